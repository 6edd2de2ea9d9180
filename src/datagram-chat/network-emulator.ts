import type { Clock } from '../base/clock.ts'
import { seededRandom } from './seeded-random.ts'

/** How bad a network to play. Shares are 0 to 1, of the datagrams that are sent. */
export interface BadNetworkOptions {
  readonly drop: number
  readonly duplicate: number
  /** Held back so that later ones overtake them. */
  readonly reorder: number
  /** Added to every datagram, in milliseconds. */
  readonly delayMs: number
  readonly seed: number
}

/** At least this long is a reordered datagram held back, so that the next ones pass it. */
const heldBackMs = 30

/** A network that loses, repeats, reorders and delays on purpose; the same seed does the same to the same datagrams. */
export class BadNetwork {
  readonly #options: BadNetworkOptions
  readonly #clock: Clock
  readonly #random: () => number

  constructor(options: BadNetworkOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#random = seededRandom(options.seed)
  }

  /** Calls `deliver` zero, one or two times, now or later. */
  carry(deliver: () => void): void {
    const { drop, duplicate } = this.#options
    // Always the same number of draws, so that one option does not change what another one hits.
    const lost = this.#random() < drop
    const twice = this.#random() < duplicate
    const delays = [this.#delayMs(), this.#delayMs()]
    if (lost) return
    for (const delayMs of twice ? delays : delays.slice(0, 1)) {
      if (delayMs === 0) deliver()
      else this.#clock.after(delayMs, deliver, { background: true })
    }
  }

  #delayMs(): number {
    const { reorder, delayMs } = this.#options
    const late = this.#random() < reorder
    const share = this.#random()
    return late ? delayMs + heldBackMs + share * Math.max(heldBackMs, delayMs) : delayMs
  }
}

type Carry = (deliver: () => void) => void

/** A bad network each way, or none. What waits in it when the socket has been closed is lost. */
export function networks(options: BadNetworkOptions | undefined, clock: Clock): { outward: Carry; inward: Carry } {
  if (options === undefined) return { outward: (deliver) => deliver(), inward: (deliver) => deliver() }
  const outward = new BadNetwork(options, clock)
  const inward = new BadNetwork({ ...options, seed: options.seed + 1 }, clock)
  return { outward: (deliver) => outward.carry(deliver), inward: (deliver) => inward.carry(deliver) }
}
