import { ProtocolError, UsageError } from '../../base/errors.ts'
import { type Endpoint, formatEndpoint, isLoopback } from '../../net/address.ts'
import { flag } from '../../options/kinds.ts'
import { askOnTerminal, type CommandContext, defineCommand } from '../command.ts'
import { byteSession } from './byte-session.ts'
import { Client, type ServerConnection, serverSpeaksTls } from './client.ts'
import { LoginClient } from './login-client.ts'
import { type ConnectValues, chooseTarget, connectOptions } from './options.ts'
import { tlsTrust } from './tls-trust.ts'

export const connect = defineCommand({
  name: 'connect',
  summary: 'talk to a server: type lines or pipe bytes, see what comes back',
  positionals: [{ name: 'host' }, { name: 'port' }],
  options: connectOptions,
  examples: [
    ['netlab connect localhost 9007', 'a conversation: type lines, read answers, end with Ctrl-D'],
    ["printf 'a\\nb\\n' | netlab connect '[::1]:9007'", 'send the input, print all that comes back, exit'],
    ['netlab connect example.org:80 --hex', 'see every byte'],
    ['netlab connect example.org 9090 --tls', 'the same through TLS; the server is known again by its key'],
  ],
  async run(values, context) {
    const target = await chooseTarget(values, context)
    const report = (line: string): void => void (values.quiet || context.stderr.write(`${line}\n`))
    const ask = askOnTerminal(context)
    const { environment } = context
    const trust = tlsTrust({
      ...{ values, target, environment, report },
      ask:
        ask &&
        ((what, question) => {
          context.stderr.write(`${what}\n`)
          return ask(question, { kind: flag, summary: 'yes or no', default: false })
        }),
    })
    const login = loginClient(values, target, context, report)
    const client = new Client({
      target: { ...target, timeoutMs: values.timeout, trust },
      ...{ hex: values.hex, context, report },
    })

    if (login?.demanded === true || login?.expected === true) {
      const result = await client.run((connection, reconnect) => login.run(connection, reconnect))
      if (result !== undefined) return result.exit
      if (login.demanded) throw noLogin(target)
    }
    const spotLogin = login !== undefined && values.framing === 'auto'
    const { framing, quiet } = values
    const speaksTls = ({ socket, identity }: ServerConnection) =>
      quiet || identity !== undefined || isLoopback(socket.remoteAddress ?? '')
        ? undefined
        : () => serverSpeaksTls(target, context)
    const result = await client.run((connection) =>
      byteSession(context, connection, { framing, status: !quiet, spotLogin, speaksTls: speaksTls(connection) }),
    )
    if (result !== undefined) return result.exit
    const afterLogin = await client.run((connection, reconnect) => login?.run(connection, reconnect))
    if (afterLogin === undefined) throw noLogin(target)
    return afterLogin.exit
  },
})

/** Undefined when every byte is to be shown as it is. @throws {UsageError} when a login is demanded at the same time */
function loginClient(
  values: ConnectValues,
  target: Required<Endpoint>,
  context: CommandContext,
  report: (line: string) => void,
): LoginClient | undefined {
  const showsAll = values.hex ? '--hex' : '--framing text'
  if (values.hex || values.framing === 'text') {
    if (values.user === undefined && values.passwordFile === undefined) return undefined
    throw new UsageError(`a login is not possible with ${showsAll}`, { hint: 'leave out one of them' })
  }
  return new LoginClient({ ...target, values, context, report })
}

function noLogin({ host, port }: Required<Endpoint>): ProtocolError {
  return new ProtocolError('NO_LOGIN', `${formatEndpoint(host, port)} is no netlab server that people log in to`, {
    hint: 'without --user and --password-file one can talk to it',
  })
}
