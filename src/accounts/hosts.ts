/**
 * The key of a client's address: IPv4 in dotted form, IPv4-mapped IPv6 (RFC 4291 2.5.5.2) as that IPv4, any other IPv6
 * in its shortest form (RFC 5952) without a zone. Text that is no address is its own key.
 */
export function hostKey(address: string): string {
  if (!address.includes(':')) return address
  const groups = groupsOf(address)
  if (groups === undefined) return address
  const [g0, g1, g2, g3, g4, g5, high = 0, low = 0] = groups
  if (g0 === 0 && g1 === 0 && g2 === 0 && g3 === 0 && g4 === 0 && g5 === 0xffff) {
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  return shortest(groups)
}

/** RFC 5952, 4: small letters, no leading zeros, and `::` for the first of the longest runs of zero groups. */
function shortest(groups: readonly number[]): string {
  const full = groups.map((group) => group.toString(16)).join(':')
  const runs = full.match(/\b0(?::0)+\b/g) ?? []
  const [longest] = runs.toSorted((a, b) => b.length - a.length)
  if (longest === undefined) return full
  const at = full.search(new RegExp(`\\b${longest}\\b`))
  return `${full.slice(0, at).replace(/:$/, '')}::${full.slice(at + longest.length).replace(/^:/, '')}`
}

/** What counts as one source of attempts: an IPv4 address, or the /64 that one IPv6 customer has (RFC 6177). */
export function sourceKey(address: string): string {
  const key = hostKey(address)
  const network = key.includes(':') ? groupsOf(key)?.slice(0, 4) : undefined
  return network === undefined ? key : `${shortest([...network, 0, 0, 0, 0])}/64`
}

function groupsOf(address: string): number[] | undefined {
  const bare = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    return `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`
  })
  const [head = '', tail] = bare.split('::', 2)
  const left = parse(head)
  const right = parse(tail ?? '')
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...left, ...new Array<number>(missing).fill(0), ...right]
  return groups.every((group) => group >= 0 && group <= 0xffff) ? groups : undefined
}

function parse(part: string): number[] {
  return part === ''
    ? []
    : part.split(':').map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : -1))
}
