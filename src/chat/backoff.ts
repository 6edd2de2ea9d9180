import { limits } from '../base/limits.ts'

/** How long to wait before each attempt to connect again: twice as long each time, up to a bound, and never all clients at once. */
export class Backoff {
  readonly #random: () => number
  #attempts = 0

  /** @param random from 0 up to 1, as Math.random */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Milliseconds before the next attempt. */
  next(): number {
    const full = Math.min(limits.reconnectMaxMs, limits.reconnectMs * 2 ** this.#attempts)
    this.#attempts = Math.min(this.#attempts + 1, 30)
    return Math.round(full * (0.5 + this.#random() / 2))
  }

  /** The connection stands: the next loss starts again with the short wait. */
  reset(): void {
    this.#attempts = 0
  }
}
