import type { Endpoint } from '../../net/address.ts'
import { asker } from '../../options/ask.ts'
import { optional, remotePort } from '../../options/kinds.ts'
import { option } from '../../options/spec.ts'
import type { CommandContext } from '../command.ts'
import { endpointKind, givenPort } from '../given-endpoint.ts'

/** Where echo, the first server one meets, listens. */
const defaultPort = 9007

export const targetOptions = {
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
}

/** Puts host and port together, and asks for the port on a terminal when neither argument named one. */
export async function chooseTarget(
  values: { readonly host: Endpoint; readonly port: number | undefined },
  { stdin, stderr, signal }: CommandContext,
): Promise<Required<Endpoint>> {
  const { host } = values.host
  const given = givenPort(values.host, values.port)
  if (given !== undefined) return { host, port: given }
  if (stdin.isTTY !== true || stderr.isTTY !== true) return { host, port: defaultPort }
  const ask = asker({ input: stdin, output: stderr, signal })
  return { host, port: await ask('Which port?', { ...targetOptions.port, kind: remotePort, default: defaultPort }) }
}
