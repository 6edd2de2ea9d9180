import { ProtocolError, UsageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type Endpoint, formatEndpoint } from '../net/address.ts'
import { choice, duration, flag } from '../options/kinds.ts'
import { option, type Values } from '../options/spec.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { Account } from './connect/account.ts'
import type { Connection, Ending } from './connect/connection.ts'
import { type ConversationOptions, converse } from './connect/conversation.ts'
import { frameHearing, frameSaying, rawHearing, rawSaying, textHearing } from './connect/dialects.ts'
import { loginOptions } from './connect/login-options.ts'
import { pipe } from './connect/pipe.ts'
import { chooseTarget, targetOptions } from './connect/target.ts'
import { tlsOptions, tlsTrust } from './connect/tls-trust.ts'
import { hasPerson, Visit } from './connect/visit.ts'

type Framing = 'auto' | 'frames' | 'text'

const connectOptions = {
  ...targetOptions,
  framing: option<Framing>({
    kind: choice('auto', 'frames', 'text'),
    summary: 'send lines as they are, or each as a frame with a 4-byte length; auto follows a server that speaks first',
    default: 'auto',
  }),
  hex: option({ kind: flag, summary: 'show both directions as a hex dump with the time', default: false }),
  quiet: option({ kind: flag, alias: 'q', summary: 'say nothing about the connection itself', default: false }),
  timeout: option({
    kind: duration,
    summary: 'give up connecting after this long, looking up the name included',
    default: limits.connectMs,
    defaultText: '10s',
  }),
  ...tlsOptions,
  ...loginOptions,
} as const

export const connect = defineCommand({
  name: 'connect',
  summary: 'talk to a server: type lines or pipe bytes, see what comes back',
  positionals: [{ name: 'host' }, { name: 'port' }],
  options: connectOptions,
  examples: [
    ['netlab connect localhost 9007', 'a conversation: type lines, read answers, end with Ctrl-D'],
    ["printf 'a\\nb\\n' | netlab connect '[::1]:9007'", 'send the input, print all that comes back, exit'],
    ['netlab connect example.org:80 --hex', 'see every byte'],
    ['netlab connect example.org 9090 --tls', 'the same through TLS; the server is known again by its certificate'],
  ],
  async run(values, context) {
    const target = await chooseTarget(values, context)
    const say = (line: string): void => void (values.quiet || context.stderr.write(`${line}\n`))
    const trust = tlsTrust(values, target, context.environment, say)
    const account = accountFor(values, target, context, say)
    const visit = new Visit({ server: { ...target, timeoutMs: values.timeout, trust }, hex: values.hex, context, say })

    if (account?.demanded === true || account?.expected === true) {
      const ending = await visit.make((connection, redial) => account.hold(connection, redial))
      if (ending !== undefined) return ending.exit
      if (account.demanded) throw noLogin(target)
    }
    const spotLogin = account !== undefined && values.framing === 'auto'
    const ending = await visit.make((connection) =>
      hold(context, connection, { framing: values.framing, status: !values.quiet, spotLogin }),
    )
    if (ending !== undefined) return ending.exit
    const afterLogin = await visit.make((connection, redial) => account?.hold(connection, redial))
    if (afterLogin === undefined) throw noLogin(target)
    return afterLogin.exit
  },
})

/** Somebody's account there, unless every byte is to be seen as it is. @throws {UsageError} when both is wanted */
function accountFor(
  values: Values<typeof connectOptions>,
  target: Required<Endpoint>,
  context: CommandContext,
  say: (line: string) => void,
): Account | undefined {
  const seesAll = values.hex ? '--hex' : '--framing text'
  if (values.hex || values.framing === 'text') {
    if (values.user === undefined && values.passwordFile === undefined) return undefined
    throw new UsageError(`a login is not possible with ${seesAll}`, { hint: 'leave out one of them' })
  }
  return new Account({ ...target, values, timeoutMs: values.timeout, context, say })
}

function noLogin({ host, port }: Required<Endpoint>): ProtocolError {
  return new ProtocolError('NO_LOGIN', `${formatEndpoint(host, port)} is no netlab server that people log in to`, {
    hint: 'without --user and --password-file one can talk to it',
  })
}

/** Holds a conversation of lines or bytes, with a person or through pipes; undefined when a login was spotted. */
function hold(
  context: CommandContext,
  connection: Connection,
  options: ConversationOptions,
): Promise<Ending | undefined> {
  if (hasPerson(context)) return converse(context, connection, options)
  const safe = context.stdout.isTTY === true
  if (options.framing === 'frames') return pipe(context, connection, frameSaying(), frameHearing(safe))
  return pipe(context, connection, rawSaying, safe ? textHearing() : rawHearing)
}
