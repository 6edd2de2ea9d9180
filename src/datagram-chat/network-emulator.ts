import type { Clock } from '../base/clock.ts'
import { Random } from '../base/random.ts'
import { datagramLimits } from './limits.ts'

/** How bad a network to emulate. Probabilities are 0 to 1, for each datagram that is sent. */
export interface NetworkEmulatorOptions {
  readonly drop: number
  readonly duplicate: number
  /** Held back so that later ones overtake them. */
  readonly reorder: number
  /** Added to every datagram, in milliseconds. */
  readonly delayMs: number
  readonly seed: number
}

/** Loses, duplicates, reorders and delays datagrams, as Linux's netem does; the same seed does the same to the same datagrams. */
export class NetworkEmulator {
  readonly #options: NetworkEmulatorOptions
  readonly #clock: Clock
  readonly #random: Random

  constructor(options: NetworkEmulatorOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    // Mixed, because the first numbers of small seeds that follow each other are alike, and small.
    this.#random = new Random(Math.imul(options.seed ^ 0x9e3779b9, 0x85ebca6b) ^ options.seed)
  }

  /** Calls `deliver` zero, one or two times, now or later. */
  carry(deliver: () => void): void {
    const { drop, duplicate } = this.#options
    // Always the same number of draws, so that one option does not change what another one hits.
    const lost = this.#random.next() < drop
    const twice = this.#random.next() < duplicate
    const delays = [this.#delayMs(), this.#delayMs()]
    if (lost) return
    for (const delayMs of twice ? delays : delays.slice(0, 1)) {
      if (delayMs === 0) deliver()
      else this.#clock.after(delayMs, deliver, { background: true })
    }
  }

  #delayMs(): number {
    const { reorder, delayMs } = this.#options
    const heldBackMs = datagramLimits.emulatedReorderMs
    const late = this.#random.next() < reorder
    const extra = this.#random.next()
    return late ? delayMs + heldBackMs + extra * Math.max(heldBackMs, delayMs) : delayMs
  }
}

/** Calls `deliver` zero, one or two times, now or later. */
type Path = (deliver: () => void) => void

/** The paths out and in, each with an emulator of its own; undefined options: none. What is under way when the socket is closed is lost. */
export function emulatedPaths(
  options: NetworkEmulatorOptions | undefined,
  clock: Clock,
): { outward: Path; inward: Path } {
  if (options === undefined) return { outward: (deliver) => deliver(), inward: (deliver) => deliver() }
  const outward = new NetworkEmulator(options, clock)
  const inward = new NetworkEmulator({ ...options, seed: options.seed + 1 }, clock)
  return { outward: (deliver) => outward.carry(deliver), inward: (deliver) => inward.carry(deliver) }
}
