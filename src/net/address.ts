import { BlockList, isIP } from 'node:net'
import { UsageError } from '../base/errors.ts'
import { host as hostKind, remotePort } from '../options/kinds.ts'

export interface Endpoint {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port?: number
}

/**
 * Reads `host`, `host:port`, `::1`, `[::1]` and `[::1]:port`. An IPv6 address with a port needs its brackets (RFC 3986, 3.2.2).
 * @throws {UsageError}
 */
export function parseEndpoint(text: string): Endpoint {
  const word = text.trim()
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(word)
  if (bracketed !== null) {
    const [, inside = '', port] = bracketed
    if (isIP(inside) !== 6) throw new UsageError(`"${inside}" in brackets is not an IPv6 address`)
    return endpoint(inside, port)
  }
  if (isIP(word) === 6) return { host: word }
  const colon = word.lastIndexOf(':')
  if (colon !== word.indexOf(':')) {
    throw new UsageError(`"${word}" is not an IPv6 address`, { hint: 'write [ADDRESS]:PORT to add a port to one' })
  }
  return colon === -1 ? endpoint(word, undefined) : endpoint(word.slice(0, colon), word.slice(colon + 1))
}

function endpoint(host: string, port: string | undefined): Endpoint {
  const parsed = hostKind.parse(host)
  return port === undefined ? { host: parsed } : { host: parsed, port: remotePort.parse(port) }
}

/** `HOST:PORT`, with brackets around an IPv6 address. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const mappedPrefix = '::ffff:'

/** The address without the prefix that an IPv4 peer has on an IPv6 socket: `::ffff:10.0.0.1` → `10.0.0.1` (RFC 4291, 2.5.5.2). */
export function plainAddress(address: string): string {
  if (!address.toLowerCase().startsWith(mappedPrefix)) return address
  const rest = address.slice(mappedPrefix.length)
  return isIP(rest) === 4 ? rest : address
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether the address is this machine's own: 127.0.0.0/8, ::1, and the former mapped into IPv6. Names are not. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address)
  // The common forms first: this is asked for every connection.
  if (plain === '127.0.0.1' || plain === '::1') return true
  const family = isIP(plain)
  return family !== 0 && loopback.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}
