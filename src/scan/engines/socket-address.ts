import { SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Target } from './engine.ts'

/**
 * The target as the kernel's `sockaddr_in` or `sockaddr_in6` (little-endian hosts, Linux), port 0; the port belongs in
 * bytes 2 and 3, most significant first. A scope (`fe80::1%eth0`) is looked up among this system's interfaces.
 */
export function socketAddress({ address, family }: Target): Buffer {
  const [numeric = '', scope] = address.split('%')
  if (family === 4) {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt16LE(AF_INET, 0)
    bytes.set(numeric.split('.').map(Number), 4)
    return bytes
  }
  const bytes = Buffer.alloc(28)
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.set(groups(numeric), 8)
  if (scope !== undefined) bytes.writeUInt32LE(scopeId(scope), 24)
  return bytes
}

export const AF_INET = 2
export const AF_INET6 = 10

function scopeId(scope: string): number {
  // Of a link's addresses only the link-local ones tell its number.
  for (const entry of networkInterfaces()[scope] ?? []) {
    if (entry.family === 'IPv6' && entry.scopeid !== 0) return entry.scopeid
  }
  return Number(scope) || 0
}

/** The sixteen bytes of an IPv6 address (RFC 4291 2.2, all three forms). */
function groups(text: string): number[] {
  // Node writes it in its shortest form, an embedded IPv4 address always last.
  const [head = '', tail] = new SocketAddress({ address: text, family: 'ipv6' }).address.split('::')
  const left = bytesOf(head)
  const right = tail === undefined ? [] : bytesOf(tail)
  return [...left, ...new Array<number>(16 - left.length - right.length).fill(0), ...right]
}

function bytesOf(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
