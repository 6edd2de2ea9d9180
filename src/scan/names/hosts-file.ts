import { isIP } from 'node:net'

/** Addresses of each name in a hosts file, in the order of its lines (hosts(5)); names in lower case. */
export type HostsFile = ReadonlyMap<string, readonly string[]>

/** Reads what hosts(5) describes. A name that stands in several lines has all their addresses; a line that is none is passed over. */
export function parseHosts(text: string): HostsFile {
  const hosts = new Map<string, string[]>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (isIP(address) === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const known = hosts.get(key)
      if (known === undefined) hosts.set(key, [address])
      else if (!known.includes(address)) known.push(address)
    }
  }
  return hosts
}
