import { canonicalIp, formatIp, parseIp } from '../net/ip.ts'

/** The key of a client's address, which is also what people are shown. Text that is no address is its own key. */
export function hostKey(address: string): string {
  return canonicalIp(address) ?? address
}

/** What counts as one source of attempts: an IPv4 address, or the /64 that one IPv6 customer has (RFC 6177). */
export function sourceKey(address: string): string {
  const ip = parseIp(address)
  if (ip?.family !== 6) return hostKey(address)
  return `${formatIp(6, (ip.value >> 64n) << 64n)}/64`
}
