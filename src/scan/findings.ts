import { limits } from '../base/limits.ts'
import { parseIp } from '../net/ip.ts'
import type { AddressSet } from './address-set.ts'
import type { PortResult, PortState, ScanHost } from './types.ts'

/** The states of a port, in the order in which people care. */
export const portStates: readonly PortState[] = ['open', 'filtered', 'closed', 'unreachable', 'error']

/** How many ports there are of each state, and for which reason: `{ closed: { refused: 997 } }`. */
export type Counts = Readonly<Partial<Record<PortState, Readonly<Record<string, number>>>>>

/** The results of one host that are to be listed, ascending by port. */
export interface HostResults {
  readonly host: ScanHost
  readonly ports: readonly PortResult[]
}

/** Counts every result and keeps those that are to be listed, up to a bound. */
export class Findings {
  readonly #shown: ReadonlySet<PortState>
  readonly #counts = new Map<PortState, Map<string, number>>()
  readonly #listed: PortResult[] = []
  #unlisted = 0
  #done = 0

  constructor(shown: Iterable<PortState>) {
    this.#shown = new Set(shown)
  }

  add(result: PortResult): void {
    this.count(result.state, result.reason)
    if (this.#shown.has(result.state)) this.list(result)
  }

  /** Counts `number` results without listing them. */
  count(state: PortState, reason: string, number = 1): void {
    this.#done += number
    const reasons = this.#counts.get(state) ?? new Map<string, number>()
    this.#counts.set(state, reasons)
    reasons.set(reason, (reasons.get(reason) ?? 0) + number)
  }

  /** Lists a result that is counted already. */
  list(result: PortResult): void {
    if (this.#listed.length < limits.scanListedCount) this.#listed.push(result)
    else this.#unlisted++
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
  get heardNothing(): boolean {
    return this.#done > 0 && this.#counts.get('filtered')?.get('no-answer') === this.#done
  }

  get counts(): Counts {
    return Object.fromEntries(
      portStates
        .filter((state) => this.#counts.has(state))
        .map((state) => [state, Object.fromEntries(this.#counts.get(state) ?? [])]),
    )
  }

  /** What is to be listed, hosts in the order of `addresses`, ports ascending. */
  listed(addresses: AddressSet): readonly HostResults[] {
    const keys = new Float64Array(this.#listed.length)
    for (const [index, { host, port }] of this.#listed.entries()) {
      const ip = parseIp(host.address)
      keys[index] = (ip === undefined ? -1 : addresses.indexOf(ip.family, ip.value)) * 65_536 + port
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
