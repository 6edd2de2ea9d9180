import { isIPv4, isIPv6 } from 'node:net'

export type Family = 4 | 6

/** An address as a number of 32 or 128 bits; the zone (`eth0` of `fe80::1%eth0`, RFC 4007) stays text. */
export interface IpAddress {
  readonly family: Family
  readonly value: bigint
  readonly zone?: string
}

/** Bits of an address. */
export const width = { 4: 32n, 6: 128n } as const

/** Reads an address in any notation the system knows; undefined when it is none. `::ffff:1.2.3.4` is 1.2.3.4. */
export function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, value: fromGroups(text.split('.').map(Number), 8n) }
  if (!isIPv6(text)) return undefined
  const [bare = '', zone] = text.split('%')
  // The dotted last 32 bits of RFC 4291 2.2 become two groups like the others.
  const groups = bare.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => {
    const high = (Number(a) << 8) | Number(b)
    const low = (Number(c) << 8) | Number(d)
    return `${high.toString(16)}:${low.toString(16)}`
  })
  const [head = '', tail] = groups.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap: string[] = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const value = fromGroups(
    [...left, ...gap, ...right].map((group) => Number.parseInt(group, 16)),
    16n,
  )
  if (value >> 32n === 0xffffn) return { family: 4, value: value & 0xffff_ffffn }
  return { family: 6, value, ...(zone !== undefined && { zone }) }
}

function fromGroups(groups: readonly number[], bits: bigint): bigint {
  return groups.reduce((value, group) => (value << bits) | BigInt(group), 0n)
}

/** The order in which addresses are listed: IPv4 first, ascending, by zone where all else is the same. */
export function compareIps(one: IpAddress, other: IpAddress): number {
  if (one.family !== other.family) return one.family - other.family
  if (one.value !== other.value) return one.value < other.value ? -1 : 1
  const [zone = '', otherZone = ''] = [one.zone, other.zone]
  return zone < otherZone ? -1 : zone > otherZone ? 1 : 0
}

/**
 * The one way an address is written: IPv4 in dotted form, IPv4-mapped IPv6 (RFC 4291 2.5.5.2) as that IPv4, any other IPv6
 * as RFC 5952 wants it, without a zone. Undefined for what is no address.
 */
export function canonicalIp(text: string): string | undefined {
  if (isIPv4(text)) return text
  const ip = parseIp(text)
  return ip && formatIp(ip.family, ip.value)
}

/**
 * What counts as one source wherever something is bounded for each: an IPv4 address, or the /64 that one IPv6 customer has
 * (RFC 6177). Text that is no address is its own key.
 */
export function sourceKey(address: string): string {
  const ip = parseIp(address)
  if (ip?.family !== 6) return canonicalIp(address) ?? address
  return `${formatIp(6, (ip.value >> 64n) << 64n)}/64`
}

/** The text of an address; IPv6 as RFC 5952 wants it: lower case, the longest run of zero groups as `::`. */
export function formatIp(family: Family, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn))
  let start = -1
  let length = 1
  for (let from = 0; from < 8; from++) {
    let to = from
    while (to < 8 && groups[to] === 0) to++
    if (to - from > length) [start, length] = [from, to - from]
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}
