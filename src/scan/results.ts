import { parseIp } from '../net/ip.ts'
import type { AddressSet } from './address-set.ts'
import { type CountedHost, HostCounts, type StateCounts } from './host-counts.ts'
import { scanLimits } from './limits.ts'
import { type HostEvidence, type PortResult, type PortState, portStates, type ScanHost } from './types.ts'

/** The results of one host that are to be listed, ascending by port. */
export interface HostResults {
  readonly host: ScanHost
  readonly ports: readonly PortResult[]
  /** What the silence of its other ports is founded on, where that is known. */
  readonly evidence?: HostEvidence
}

/** The results of a scan: all are counted, and those that are to be listed are kept, up to a bound. */
export class ScanResults {
  readonly #shown: ReadonlySet<PortState>
  readonly #counts = new Map<PortState, Map<string, number>>()
  readonly #listed: PortResult[] = []
  readonly #hosts = new HostCounts()
  #unlisted = 0
  #done = 0

  /** @param shown states to list */
  constructor(shown: Iterable<PortState>) {
    this.#shown = new Set(shown)
  }

  add(result: PortResult): void {
    this.#count(result.state, result.reason, 1)
    this.#hosts.add(result)
    this.#take(result)
  }

  /** Takes over what an earlier run counted and listed. */
  restore(counts: StateCounts, listed: Iterable<PortResult>): void {
    if (Object.keys(counts).length > 0) this.#hosts.forget()
    for (const state of portStates) {
      for (const [reason, number] of Object.entries(counts[state] ?? {})) this.#count(state, reason, number)
    }
    for (const result of listed) this.#take(result)
  }

  #count(state: PortState, reason: string, number: number): void {
    this.#done += number
    const reasons = this.#counts.get(state) ?? new Map<string, number>()
    this.#counts.set(state, reasons)
    reasons.set(reason, (reasons.get(reason) ?? 0) + number)
  }

  #take(result: PortResult): void {
    if (!this.isShown(result)) return
    if (this.#listed.length < scanLimits.listedCount) this.#listed.push(result)
    else this.#unlisted++
  }

  isShown({ state }: PortResult): boolean {
    return this.#shown.has(state)
  }

  /** Results counted. */
  get done(): number {
    return this.#done
  }

  /** Results that should have been listed and were too many. */
  get unlisted(): number {
    return this.#unlisted
  }

  of(state: PortState): number {
    let sum = 0
    for (const number of this.#counts.get(state)?.values() ?? []) sum += number
    return sum
  }

  /** There was nothing but silence: no sign that anything of what was asked can be reached at all. */
  get isAllSilent(): boolean {
    return this.#done > 0 && this.#counts.get('filtered')?.get('no-answer') === this.#done
  }

  /** The same for each host, by address; undefined where that was not counted. */
  get hostCounts(): ReadonlyMap<string, CountedHost> | undefined {
    return this.#hosts.all
  }

  get counts(): StateCounts {
    return Object.fromEntries(
      portStates
        .filter((state) => this.#counts.has(state))
        .map((state) => [state, Object.fromEntries(this.#counts.get(state) ?? [])]),
    )
  }

  /** What is to be listed, and hosts that are in doubt, in the order of `addresses`, ports ascending. */
  listed(addresses: AddressSet, evidence: readonly HostEvidence[] = []): readonly HostResults[] {
    const known = new Map(evidence.map((one) => [one.host.address, one]))
    const hosts: HostResults[] = this.#listedHosts(addresses).map((listed) => {
      const found = known.get(listed.host.address)
      known.delete(listed.host.address)
      return found === undefined ? listed : { ...listed, evidence: found }
    })
    const inDoubt = [...known.values()].filter(({ doubt }) => doubt !== undefined)
    if (inDoubt.length === 0) return hosts
    const all = [...hosts, ...inDoubt.map((one) => ({ host: one.host, ports: [], evidence: one }))]
    return all
      .map((one) => ({ one, at: indexIn(addresses, one.host) }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one)
  }

  #listedHosts(addresses: AddressSet): readonly HostResults[] {
    const keys = new Float64Array(this.#listed.length)
    for (const [index, { host, port }] of this.#listed.entries()) {
      keys[index] = indexIn(addresses, host) * 65_536 + port
    }
    const order = new Uint32Array(keys.length).map((_, index) => index)
    order.sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0))
    const hosts: { readonly host: ScanHost; readonly ports: PortResult[] }[] = []
    for (const index of order) {
      const result = this.#listed[index]
      if (result === undefined) continue
      const last = hosts.at(-1)
      if (last?.host.address === result.host.address) last.ports.push(result)
      else hosts.push({ host: result.host, ports: [result] })
    }
    return hosts
  }
}

function indexIn(addresses: AddressSet, { address }: ScanHost): number {
  const ip = parseIp(address)
  return ip === undefined ? -1 : addresses.indexOf(ip.family, ip.value)
}
