import { scanLimits } from './limits.ts'
import { type PortResult, type PortState, portStates, type ScanHost } from './types.ts'

/** How many ports there are of each state, and for which reason: `{ closed: { refused: 997 } }`. */
export type StateCounts = Readonly<Partial<Record<PortState, Readonly<Record<string, number>>>>>

/** One host, and its ports. */
export interface CountedHost {
  readonly host: ScanHost
  readonly counts: StateCounts
}

type Reasons = Map<string, number>

interface HostStates {
  readonly host: ScanHost
  readonly states: Map<PortState, Reasons>
}

/** How many ports of each host are in each state, whether they are listed or not; of as many hosts as a bound allows. */
export class HostCounts {
  readonly #hosts = new Map<string, HostStates>()
  #isKnown = true
  /** Results of one host often come together. */
  #lastAddress = ''
  #last: Map<PortState, Reasons> | undefined

  add({ host, state, reason }: PortResult): void {
    if (!this.#isKnown) return
    const isLast = host.address === this.#lastAddress && this.#last !== undefined
    const states = isLast ? this.#last : this.#take(host)
    if (states === undefined) return
    const reasons = states.get(state) ?? new Map<string, number>()
    if (reasons.size === 0) states.set(state, reasons)
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }

  #take(host: ScanHost): Map<PortState, Reasons> | undefined {
    const { address } = host
    const { states } = this.#hosts.get(address) ?? { states: new Map<PortState, Reasons>() }
    if (states.size === 0) this.#hosts.set(address, { host, states })
    if (this.#hosts.size > scanLimits.countedHosts) {
      this.forget()
      return undefined
    }
    this.#lastAddress = address
    this.#last = states
    return states
  }

  /** Something was counted elsewhere, so nothing is said of single hosts any more. */
  forget(): void {
    this.#isKnown = false
    this.#hosts.clear()
    this.#last = undefined
  }

  /** By address; undefined where it is not known of every host. */
  get all(): ReadonlyMap<string, CountedHost> | undefined {
    if (!this.#isKnown) return undefined
    return new Map([...this.#hosts].map(([address, { host, states }]) => [address, { host, counts: asCounts(states) }]))
  }
}

function asCounts(states: ReadonlyMap<PortState, Reasons>): StateCounts {
  const known = portStates.filter((state) => states.has(state))
  return Object.fromEntries(known.map((state) => [state, Object.fromEntries(states.get(state) ?? [])]))
}
