/**
 * Flood control that delays and never refuses: a burst is free, then one message per interval (a token bucket that may go
 * into debt). Pure: the caller gives the time and does the waiting.
 */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #tokens: number
  #at: number

  /** @param ratePerSecond 0 means no limit */
  constructor(burst: number, ratePerSecond: number, nowMs: number) {
    this.#burst = burst
    this.#perMs = ratePerSecond / 1000
    this.#tokens = burst
    this.#at = nowMs
  }

  /** Takes one token; returns for how many milliseconds the next message must wait. */
  take(nowMs: number): number {
    if (this.#perMs === 0) return 0
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#at) * this.#perMs) - 1
    this.#at = nowMs
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.#perMs)
  }
}
