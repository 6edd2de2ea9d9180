import type { Clock } from '../base/clock.ts'
import { serveLimits } from './limits.ts'

/** Has memory given back to the system when a crowd has gone: not while clients come and go, which would cost more than it saves. */
export class SpareMemory {
  readonly #clock: Clock
  readonly #giveBack: () => void
  #peakBytes = 0
  #isDue = false

  /** @param giveBack runs some time after most of a crowd has gone */
  constructor(clock: Clock, giveBack: () => void) {
    this.#clock = clock
    this.#giveBack = giveBack
  }

  /** So many clients are there now, for whom so much is held. */
  note(clients: number, heldBytes: number): void {
    const bytes = clients * serveLimits.clientBytes + heldBytes
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
    if (this.#peakBytes - bytes < serveLimits.spareBytes || bytes > this.#peakBytes / 2) return
    this.#peakBytes = bytes
    if (this.#isDue) return
    this.#isDue = true
    const giveBack = (): void => {
      this.#isDue = false
      this.#giveBack()
    }
    this.#clock.after(serveLimits.spareMs, giveBack, { background: true })
  }
}

/** Loaded when it is wanted only. */
export function giveBackMemory(): void {
  void import('../base/memory.ts').then((memory) => memory.giveBackMemory())
}
