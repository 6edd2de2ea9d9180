import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage, UsageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { formatIp, type IpAddress, parseIp } from '../net/ip.ts'
import { grouped } from '../terminal/format.ts'
import { type AddressLabel, type AddressRange, AddressSet } from './address-set.ts'
import { scanLimits } from './limits.ts'
import type { PlainTarget } from './targets.ts'
import { isLinkLocal, knownZone, type Zones } from './zones.ts'

/** Every address of a name, in the system's order. Rejects with the system's code (ENOTFOUND, EAI_AGAIN …). */
export type Lookup = (name: string) => Promise<readonly string[]>

export interface ResolveServices {
  readonly lookup: Lookup
  /** Asked only when a zone was given. */
  readonly zones: () => Zones
  readonly clock: Clock
  /** Aborted: names still being looked up count as failed. */
  readonly signal: AbortSignal
}

export interface ResolvedTargets {
  readonly addresses: AddressSet
  /** Sentences worth saying: a name with several addresses, a network with host bits. */
  readonly notes: readonly string[]
  /** One sentence for each name without an address. */
  readonly failures: readonly string[]
}

/**
 * Looks every name up once and puts all targets together; overlapping ones are scanned once.
 * @throws {UsageError} when one address was given with different zones. @throws {NetworkError} when there is no such zone.
 */
export async function resolveTargets(
  targets: readonly PlainTarget[],
  allAddresses: boolean,
  services: ResolveServices,
): Promise<ResolvedTargets> {
  const names = new Set(targets.flatMap((target) => (target.kind === 'name' ? [target.name] : [])))
  const answers = await lookUpAll([...names], services)
  const ranges: AddressRange[] = []
  const labels = new Map<string, AddressLabel>()
  const notes: string[] = []
  const failures: string[] = []

  const add = (ip: IpAddress, name?: string): void => {
    const address = formatIp(ip.family, ip.value)
    const zone = knownZone(ip, services.zones)
    const known = labels.get(address)
    if (known !== undefined && known.zone !== zone) {
      throw new UsageError(`${address} is given with two different zones`, { hint: 'scan them one after the other' })
    }
    ranges.push({ family: ip.family, first: ip.value, last: ip.value })
    const label = known?.name ?? name
    if (label !== undefined || zone !== undefined) {
      labels.set(address, { ...(label && { name: label }), ...(zone !== undefined && { zone }) })
    }
  }

  for (const target of targets) {
    if (target.kind === 'range') {
      const { family, first } = target.range
      if (target.zone === undefined) ranges.push(target.range)
      else add({ family, value: first, zone: target.zone })
      if (target.note !== undefined) notes.push(target.note)
    }
  }
  for (const [name, answer] of answers) {
    const all = answer.addresses.map(parseIp).filter((ip) => ip !== undefined)
    const ips = all.filter((ip) => ip.zone !== undefined || !isLinkLocal(ip))
    const [first] = ips
    if (first === undefined) {
      const none = all.length === 0 ? 'no address' : 'a link-local address without its interface'
      failures.push(`${name} could not be resolved (${answer.error ?? none})`)
      continue
    }
    for (const ip of allAddresses ? ips : [first]) add(ip, name)
    if (ips.length > 1) {
      const shown = formatIp(first.family, first.value)
      notes.push(
        allAddresses
          ? `${name} has ${ips.length} addresses; scanning all of them`
          : `${name} has ${ips.length} addresses; scanning ${shown} only (--all-addresses for all)`,
      )
    }
  }
  const addresses = new AddressSet(ranges, labels)
  const given = ranges.reduce((sum, { first, last }) => sum + Number(last - first + 1n), 0)
  if (given > addresses.size) {
    const twice = grouped(given - addresses.size)
    notes.push(
      `${twice} of the addresses ${given - addresses.size === 1 ? 'was' : 'were'} given twice; each is scanned once`,
    )
  }
  return { addresses, notes, failures }
}

interface NameLookup {
  readonly addresses: readonly string[]
  readonly error?: string
}

/** A few at a time, each with a limit of its own; in the order of `names`. */
async function lookUpAll(
  names: readonly string[],
  services: ResolveServices,
): Promise<ReadonlyMap<string, NameLookup>> {
  const answers = new Map<string, NameLookup>(names.map((name) => [name, { addresses: [] }]))
  const waiting = names.values()
  const lane = async (): Promise<void> => {
    for (const name of waiting) answers.set(name, await lookUp(name, services))
  }
  await Promise.all(Array.from({ length: Math.min(scanLimits.lookupCount, names.length) }, lane))
  return answers
}

function lookUp(name: string, { lookup, clock, signal }: ResolveServices): Promise<NameLookup> {
  if (signal.aborted) return Promise.resolve({ addresses: [], error: 'interrupted' })
  return new Promise((resolve) => {
    const settle = (answer: NameLookup): void => {
      timer.cancel()
      signal.removeEventListener('abort', interrupted)
      resolve(answer)
    }
    const interrupted = (): void => settle({ addresses: [], error: 'interrupted' })
    const timer = clock.after(limits.connectMs, () =>
      settle({ addresses: [], error: `no answer in ${limits.connectMs / 1000} s` }),
    )
    signal.addEventListener('abort', interrupted, { once: true })
    lookup(name).then(
      (addresses) => settle({ addresses }),
      (error: unknown) =>
        settle({ addresses: [], error: errorCode(error) === 'UNKNOWN' ? errorMessage(error) : errorCode(error) }),
    )
  })
}
