import { UsageError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { Endpoint } from '../../net/address.ts'
import type { Dialect } from '../../net/dialect.ts'
import { choice, duration, flag, optional, path, remotePort, text } from '../../options/kinds.ts'
import { option, type Values } from '../../options/spec.ts'
import { askOnTerminal, type CommandContext } from '../command.ts'
import { endpointKind, givenPort, readFirstLine } from '../input.ts'

/** Where echo, the first server one meets, listens. */
const defaultPort = 9007

export const connectOptions = {
  host: option({
    kind: endpointKind,
    summary: 'name or address of the server; also HOST:PORT and [IPV6]:PORT',
    default: { host: '127.0.0.1' },
    defaultText: '127.0.0.1',
    ask: 'Which host?',
  }),
  port: option({
    kind: optional(remotePort),
    alias: 'p',
    summary: 'port of the server',
    default: undefined,
    defaultText: String(defaultPort),
  }),
  framing: option<'auto' | Dialect>({
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
  tls: option({
    kind: flag,
    summary: 'talk through TLS; a server is known again by the key that it showed first',
    default: false,
  }),
  tlsCa: option({
    kind: optional(path),
    summary: 'trust servers whose certificate these (PEM) have signed, and no other; implies --tls',
    default: undefined,
  }),
  acceptNewKey: option({
    kind: flag,
    summary: 'take the key that the server shows now for its own from now on, without a question',
    default: false,
  }),
  user: option({
    kind: optional(text),
    alias: 'u',
    summary: 'log in by this name',
    default: undefined,
    defaultText: 'whoever logged in there last, or asked for',
  }),
  passwordFile: option({
    kind: optional(path),
    summary: 'take the password from the first line of this file',
    default: undefined,
  }),
  password: option({ kind: optional(text), secret: true, summary: 'the password of --user', default: undefined }),
  register: option({
    kind: flag,
    summary: 'register by the name of --user instead of logging in',
    default: false,
  }),
  registrationCodeFile: option({
    kind: optional(path),
    summary: 'take the code that registering may need from the first line of this file',
    default: undefined,
    defaultText: 'NETLAB_REGISTRATION_CODE, or asked for',
  }),
  registrationCode: option({
    kind: optional(text),
    secret: true,
    summary: 'the code that registering may need',
    default: undefined,
  }),
  session: option({
    kind: flag,
    summary: 'ask for the password each time: neither use nor keep the session that a login opens',
    default: true,
  }),
  insecure: option({
    kind: flag,
    summary: 'let passwords and session tokens travel to another machine without TLS',
    default: false,
  }),
} as const

export type ConnectValues = Values<typeof connectOptions>

/** Puts host and port together, and asks for the port on a terminal when neither argument named one. */
export async function chooseTarget(
  values: Pick<ConnectValues, 'host' | 'port'>,
  context: CommandContext,
): Promise<Required<Endpoint>> {
  const { host } = values.host
  const given = givenPort(values.host, values.port)
  if (given !== undefined) return { host, port: given }
  const ask = askOnTerminal(context)
  if (ask === undefined) return { host, port: defaultPort }
  return { host, port: await ask('Which port?', { ...connectOptions.port, kind: remotePort, default: defaultPort }) }
}

/** The password that was given in advance. @throws {StorageError, UsageError} */
export function givenPassword({
  passwordFile,
  password,
}: Pick<ConnectValues, 'passwordFile' | 'password'>): string | undefined {
  return passwordFile === undefined ? password : secretIn(passwordFile, 'password')
}

/** The same for the registration code. @throws {StorageError, UsageError} */
export function givenCode({
  registrationCodeFile: file,
  registrationCode,
}: Pick<ConnectValues, 'registrationCodeFile' | 'registrationCode'>): string | undefined {
  return file === undefined ? registrationCode : secretIn(file, 'code')
}

function secretIn(file: string, what: string): string {
  const line = readFirstLine(file, `the ${what}`)
  if (line === '') throw new UsageError(`there is no ${what} in the first line of ${file}`)
  return line
}
