import type { Clock, Timer } from '../base/clock.ts'
import { errorCode, errorMessage, UsageError } from '../base/errors.ts'
import { formatIp, type IpAddress, parseIp } from '../net/ip.ts'
import { asciiHost } from '../options/kinds.ts'
import { grouped } from '../terminal/format.ts'
import { type AddressLabel, type AddressRange, AddressSet } from './address-set.ts'
import { scanLimits } from './limits.ts'
import { PortPlan, union } from './port-plan.ts'
import type { PlainTarget } from './targets.ts'
import { isLinkLocal, knownZone, type Zones } from './zones.ts'

/** Every address of a name, the first to be tried first, in its own time. Rejects with a code (ENOTFOUND, ETIMEOUT …). */
export type Lookup = (name: string) => Promise<readonly string[]>

export interface ResolveServices {
  readonly lookup: Lookup
  /** Asked only when a zone was given. */
  readonly zones: () => Zones
  readonly clock: Clock
  /** Aborted: names still being looked up count as failed. */
  readonly signal: AbortSignal
}

export interface ResolveOptions {
  /** Which addresses of a name: the first, all, or all because one that is open is enough. */
  readonly choose: 'first' | 'all' | 'any'
  /** For targets that name no port. */
  readonly ports: readonly number[]
  /** A person named those ports, so that they are for every target where all have ports of their own. */
  readonly portsNamed: boolean
}

/** A name that was asked for, and which of its addresses are scanned; none when it could not be resolved. */
export interface NamedTarget {
  /** As it was typed. */
  readonly name: string
  /** As `formatIp` writes them. */
  readonly addresses: readonly string[]
  /** Named with it; absent for the usual ones. */
  readonly ports?: readonly number[]
}

export interface ResolvedTargets {
  readonly addresses: AddressSet
  readonly ports: PortPlan
  /** Addresses that were typed as such. */
  readonly typed: AddressSet
  readonly names: readonly NamedTarget[]
  /** Sentences worth saying: a name with several addresses, a network with host bits. */
  readonly notes: readonly string[]
  /** One sentence for each name without an address. */
  readonly failures: readonly string[]
}

/** Two spellings of one name are one: `BÜCHER.example`, `xn--bcher-kva.example`. */
export function nameKey(name: string): string {
  return asciiHost(name).toLowerCase()
}

/**
 * Looks every name up once and puts all targets together; overlapping ones are scanned once.
 * @throws {UsageError} when one address was given with different zones. @throws {NetworkError} when there is no such zone.
 */
export async function resolveTargets(
  targets: readonly PlainTarget[],
  options: ResolveOptions,
  services: ResolveServices,
): Promise<ResolvedTargets> {
  const found = new FoundAddresses(services.zones)
  for (const target of targets) if (target.kind === 'range') found.addTyped(target)
  const names: NamedTarget[] = []
  const failures: string[] = []
  for (const { name, ports, isPlain, answer } of await lookUpAll(targets, services)) {
    const all = answer.addresses.map(parseIp).filter((ip) => ip !== undefined)
    const ips = all.filter((ip) => ip.zone !== undefined || !isLinkLocal(ip))
    const [first] = ips
    const chosen = options.choose !== 'first' || first === undefined ? ips : [first]
    const addresses = chosen.map((ip) => formatIp(ip.family, ip.value))
    names.push({ name, addresses, ...(!isPlain && { ports: union([ports]) }) })
    if (first === undefined) {
      const none = all.length === 0 ? 'no address' : 'a link-local address without its interface'
      failures.push(`${name} could not be resolved (${answer.error ?? none})`)
      continue
    }
    for (const ip of chosen) {
      if (isPlain) found.add(ip, undefined, name)
      if (ports.length > 0) found.add(ip, ports, name)
    }
    if (ips.length > 1) {
      const what = {
        first: `scanning ${formatIp(first.family, first.value)} only (--all-addresses for all)`,
        all: 'scanning all of them',
        any: 'one that is open is enough',
      }
      found.notes.push(`${name} has ${grouped(ips.length)} addresses; ${what[options.choose]}`)
    }
  }
  return { ...found.finish(options), names, failures }
}

/** Addresses as they are found, each with what it was called and the ports that are its own. */
class FoundAddresses {
  readonly notes: string[] = []
  readonly #zones: () => Zones
  readonly #ranges: AddressRange[] = []
  readonly #typed: AddressRange[] = []
  /** Of targets that name no port. */
  readonly #usual: AddressRange[] = []
  readonly #own = new Map<string, (readonly number[])[]>()
  readonly #labels = new Map<string, { readonly names: Set<string>; readonly zone: string | undefined }>()
  /** Addresses that were met, however often. */
  #met = 0

  constructor(zones: () => Zones) {
    this.#zones = zones
  }

  addTyped({ range, zone, note, ports }: Extract<PlainTarget, { readonly kind: 'range' }>): void {
    const { family, first, last } = range
    this.#typed.push(range)
    // Only single addresses have a zone or ports.
    if (zone !== undefined || ports !== undefined) this.add({ family, value: first, ...(zone && { zone }) }, ports)
    else {
      this.#ranges.push(range)
      this.#usual.push(range)
      this.#met += Number(last - first + 1n)
    }
    if (note !== undefined) this.notes.push(note)
  }

  /** `ports`: its own; without them the usual ones. */
  add(ip: IpAddress, ports?: readonly number[], name?: string): void {
    const address = formatIp(ip.family, ip.value)
    const zone = knownZone(ip, this.#zones)
    const known = this.#labels.get(address)
    if (known !== undefined && known.zone !== zone) {
      throw new UsageError(`${address} is given with two different zones`, { hint: 'scan them one after the other' })
    }
    const range = { family: ip.family, first: ip.value, last: ip.value }
    this.#ranges.push(range)
    if (ports === undefined) {
      this.#usual.push(range)
      this.#met++
    } else {
      const own = this.#own.get(address)
      if (own === undefined) this.#own.set(address, [ports])
      else own.push(ports)
    }
    const label = known ?? { names: new Set(), zone }
    if (name !== undefined) label.names.add(name)
    if (known === undefined) this.#labels.set(address, label)
  }

  finish({ ports, portsNamed }: ResolveOptions): Pick<ResolvedTargets, 'addresses' | 'ports' | 'typed' | 'notes'> {
    const usual = new AddressSet(this.#usual)
    const isUsual = (address: string): boolean => {
      const ip = parseIp(address)
      return (usual.size === 0 && portsNamed) || (ip !== undefined && usual.indexOf(ip.family, ip.value) >= 0)
    }
    const own = [...this.#own].map(
      ([address, lists]) => [address, union(isUsual(address) ? [ports, ...lists] : lists)] as const,
    )
    const twice = this.#met - usual.size
    if (twice > 0) {
      this.notes.push(
        `${grouped(twice)} of the addresses ${twice === 1 ? 'was' : 'were'} given twice; each is scanned once`,
      )
    }
    return {
      addresses: new AddressSet(this.#ranges, this.#written()),
      ports: new PortPlan(usual.size === 0 && own.length > 0 ? [] : ports, new Map(own)),
      typed: new AddressSet(this.#typed),
      notes: this.notes,
    }
  }

  #written(): ReadonlyMap<string, AddressLabel> {
    const labels = new Map<string, AddressLabel>()
    for (const [address, { names, zone }] of this.#labels) {
      if (names.size === 0 && zone === undefined) continue
      labels.set(address, { ...(names.size > 0 && { names: [...names] }), ...(zone !== undefined && { zone }) })
    }
    return labels
  }
}

interface NameAnswer {
  readonly addresses: readonly string[]
  readonly error?: string
}

interface AskedName {
  readonly name: string
  /** Ports that were named with it. */
  ports: number[]
  /** It was named without a port, too. */
  isPlain: boolean
  answer: NameAnswer
}

/** Each name once, in the order typed; many at a time, and a slow one gives its place to the next. */
async function lookUpAll(
  targets: readonly PlainTarget[],
  services: ResolveServices,
): Promise<Iterable<Readonly<AskedName>>> {
  const asked = new Map<string, AskedName>()
  for (const target of targets) {
    if (target.kind !== 'name') continue
    const { name, ports = [] } = target
    const key = nameKey(name)
    const one = asked.get(key) ?? { name, ports: [], isPlain: false, answer: { addresses: [] } }
    asked.set(key, one)
    one.ports.push(...ports)
    if (ports.length === 0) one.isPlain = true
  }
  const waiting = asked.values()
  const open = new Set<Promise<void>>()
  const lane = async (): Promise<void> => {
    for (const one of waiting) {
      const answered = lookUp(one.name, services).then((answer) => {
        one.answer = answer
        open.delete(answered)
      })
      open.add(answered)
      await (open.size < scanLimits.lookupOpenCount ? soon(answered, services.clock) : answered)
    }
  }
  await Promise.all(Array.from({ length: Math.min(scanLimits.lookupCount, asked.size) }, lane))
  await Promise.all(open)
  return asked.values()
}

/** Until it is settled, or has taken long. */
function soon(settled: Promise<void>, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer: Timer = clock.after(scanLimits.lookupPatienceMs, resolve)
  void settled.then(() => {
    timer.cancel()
    resolve()
  })
  return promise
}

function lookUp(name: string, { lookup, signal }: ResolveServices): Promise<NameAnswer> {
  if (signal.aborted) return Promise.resolve(interrupted)
  return new Promise((resolve) => {
    const settle = (answer: NameAnswer): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(answer)
    }
    const onAbort = (): void => settle(interrupted)
    signal.addEventListener('abort', onAbort, { once: true })
    lookup(name).then(
      (addresses) => settle({ addresses }),
      (error: unknown) => settle({ addresses: [], error: inWords(error) }),
    )
  })
}

const interrupted: NameAnswer = { addresses: [], error: 'interrupted' }

const words: Readonly<Record<string, string>> = {
  ESERVFAIL: 'the name server failed',
  EREFUSED: 'the name server refused',
  ECONNREFUSED: 'no name server answers',
}

function inWords(error: unknown): string {
  const code = errorCode(error)
  return code === 'UNKNOWN' || code === 'ETIMEOUT' ? errorMessage(error) : (words[code] ?? code)
}
