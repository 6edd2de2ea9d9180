import type { Clock, Timer } from '../base/clock.ts'
import { datagramLimits } from './limits.ts'

interface Chores {
  readonly flush: () => void
  readonly care: () => 'soon' | 'later' | 'never'
}

/** Looking after members who lack something; far below any resend timeout, so it adds little to one. */
const soonMs = 50
/** Looking for members who have gone silent. */
const laterMs = 1000

/** When the relay does things: what is new goes out a tick later, members are looked after while there are any. */
export class RelayTicks {
  readonly #clock: Clock
  readonly #chores: Chores
  #flush: Timer | undefined
  #care: Timer | undefined
  #careIsSoon = false
  #stopped = false

  constructor(clock: Clock, chores: Chores) {
    this.#clock = clock
    this.#chores = chores
  }

  flushSoon(): void {
    if (this.#stopped || this.#flush !== undefined) return
    this.#flush = this.#clock.after(datagramLimits.tickMs, () => {
      this.#flush = undefined
      this.#chores.flush()
    })
  }

  careSoon(): void {
    if (!this.#careIsSoon) this.#careIn('soon')
  }

  stop(): void {
    this.#stopped = true
    this.#flush?.cancel()
    this.#care?.cancel()
  }

  #careIn(when: 'soon' | 'later'): void {
    if (this.#stopped) return
    this.#care?.cancel()
    this.#careIsSoon = when === 'soon'
    this.#care = this.#clock.after(when === 'soon' ? soonMs : laterMs, () => {
      this.#careIsSoon = false
      this.#care = undefined
      const next = this.#chores.care()
      // Caring may itself have asked to come back soon.
      if (next !== 'never' && !this.#careIsSoon) this.#careIn(next)
    })
  }
}
