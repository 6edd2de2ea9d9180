import type { Clock, Timer } from '../base/clock.ts'
import { scanLimits } from './limits.ts'

/**
 * A clock that stands still while the whole process does (Ctrl-Z, SIGSTOP, a suspended machine): what waits then has not
 * waited, and no rate has been saved up. It must be read all the time, since a stall is a gap between two readings.
 */
export class AwakeClock implements Clock {
  readonly #clock: Clock
  #lastMs: number
  #stalledMs = 0
  /** Stalls so far: what was under way in one can't be timed. */
  stalls = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastMs = clock.monotonic()
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    const realMs = this.#clock.monotonic()
    const gapMs = realMs - this.#lastMs
    this.#lastMs = realMs
    if (gapMs > scanLimits.stallMs) {
      this.#stalledMs += gapMs
      this.stalls++
    }
    return realMs - this.#stalledMs
  }

  after(delayMs: number, callback: () => void, options?: { readonly background?: boolean }): Timer {
    return this.#clock.after(delayMs, callback, options)
  }
}
