import { scanLimits } from '../limits.ts'

/** What resolv.conf(5) says of how names are completed. */
export interface SearchRule {
  /** Domains that are put behind a name, in order. */
  readonly search: readonly string[]
  /** A name with so many dots is tried as it is first. */
  readonly ndots: number
}

export function parseResolvConf(text: string): SearchRule {
  let search: readonly string[] = []
  let ndots = 1
  for (const line of text.split(/\r?\n/)) {
    const [word = '', ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    // The last of both counts.
    if (word === 'search') search = values.filter((domain) => domain !== '.').slice(0, scanLimits.searchDomains)
    else if (word === 'domain') search = values.slice(0, 1)
    else if (word === 'options') {
      const digits = values.map((value) => /^ndots:(\d+)$/.exec(value)?.[1]).findLast((found) => found !== undefined)
      if (digits !== undefined) ndots = Math.min(15, Number(digits))
    }
  }
  return { search: search.map((domain) => domain.replace(/\.$/, '').toLowerCase()), ndots }
}

/** The full names that a name may stand for, in the order in which they are asked (resolv.conf(5)). */
export function fullNames(name: string, { search, ndots }: SearchRule): readonly string[] {
  if (name.endsWith('.')) return [name]
  const completed = search.map((domain) => `${name}.${domain}`)
  const dots = name.split('.').length - 1
  return dots >= ndots ? [name, ...completed] : [...completed, name]
}

/** Where this system looks names up (nsswitch.conf(5)), in order; what glibc does where the file says nothing. */
export function parseNameSwitch(text: string): readonly string[] {
  const line = text.split(/\r?\n/).find((candidate) => /^\s*hosts\s*:/.test(candidate))
  if (line === undefined) return ['dns', 'files']
  const words = line
    .replace(/#.*/, '')
    .replace(/^[^:]*:/, '')
    .replace(/\[[^\]]*\]/g, ' ')
  return words.split(/\s+/).filter((word) => word !== '')
}

/**
 * Whether another source than files and DNS may know a name. Those that come with most systems know only names without a
 * dot (the machine's own, its containers) and `.local` (RFC 6762).
 */
export function mayKnowMore(name: string, sources: readonly string[]): boolean {
  const isLocal = !name.replace(/\.$/, '').includes('.') || /\.local\.?$/i.test(name)
  return sources.some((source) => {
    if (source === 'files' || source === 'dns') return false
    return isLocal || !/^(mdns.*|resolve|myhostname|mymachines)$/.test(source)
  })
}
