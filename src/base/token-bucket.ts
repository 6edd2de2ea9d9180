/**
 * A token bucket: lets `ratePerSecond` things through on average and `burst` at once. It can refuse (`tryTake`) or delay
 * (`take`, which may go into debt). Pure: time is the caller's, in milliseconds of one monotonic clock.
 */
export class TokenBucket {
  #ratePerSecond: number
  #burst: number
  #tokens: number
  #filledMs: number

  /** Starts full. @param ratePerSecond 0 means no limit */
  constructor(ratePerSecond: number, burst: number, nowMs: number) {
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = burst
    this.#filledMs = nowMs
  }

  get ratePerSecond(): number {
    return this.#ratePerSecond
  }

  get burst(): number {
    return this.#burst
  }

  /** Takes effect from `nowMs` on; what was saved beyond the new burst is lost. */
  setRate(ratePerSecond: number, burst: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = Math.min(this.#tokens, burst)
  }

  /** Whether this many tokens are there now. */
  ready(nowMs: number, tokens = 1): boolean {
    this.#fill(nowMs)
    return this.#ratePerSecond === 0 || this.#tokens >= tokens
  }

  /** Takes a token if one is there; returns whether it was. */
  tryTake(nowMs: number): boolean {
    if (!this.ready(nowMs)) return false
    this.#tokens -= 1
    return true
  }

  /** Takes a token in any case; returns for how many milliseconds the taker must wait until it is there. */
  take(nowMs: number): number {
    if (this.#ratePerSecond === 0) return 0
    this.#fill(nowMs)
    this.#tokens -= 1
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#ratePerSecond)
  }

  /** Puts a token back: what it was taken for did not happen. */
  giveBack(nowMs: number): void {
    this.#fill(nowMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + 1)
  }

  /** Milliseconds until this many tokens are there, if nobody takes one before; 0 is now. */
  waitMs(nowMs: number, tokens = 1): number {
    return this.ready(nowMs, tokens) ? 0 : Math.ceil(((tokens - this.#tokens) * 1000) / this.#ratePerSecond)
  }

  /** Whether nothing has been taken that has not come back since. */
  full(nowMs: number): boolean {
    this.#fill(nowMs)
    return this.#tokens >= this.#burst
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledMs) * this.#ratePerSecond) / 1000)
    this.#filledMs = nowMs
  }
}
