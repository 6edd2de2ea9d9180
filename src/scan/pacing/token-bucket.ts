/** Sends at a steady rate, whatever the answers do. A pause is not made up for beyond `burst`. */
export class TokenBucket {
  #tokens: number
  #filledMs: number
  #ratePerSecond: number

  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerSecond = ratePerSecond
    this.#filledMs = nowMs
    this.#tokens = this.burst
  }

  /** What 20 ms allow, so that a timer that comes late costs no speed, and a little more at low rates. */
  get burst(): number {
    return 4 + this.#ratePerSecond * 0.02
  }

  get rate(): number {
    return this.#ratePerSecond
  }

  /** Takes effect from `nowMs` on. */
  setRate(ratePerSecond: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#ratePerSecond = ratePerSecond
    this.#tokens = Math.min(this.#tokens, this.burst)
  }

  /** Whether one may be sent now. */
  ready(nowMs: number): boolean {
    this.#fill(nowMs)
    return this.#tokens >= 1
  }

  take(): void {
    this.#tokens -= 1
  }

  #fill(nowMs: number): void {
    const filled = this.#tokens + ((nowMs - this.#filledMs) * this.#ratePerSecond) / 1000
    this.#tokens = Math.min(filled, this.burst)
    this.#filledMs = nowMs
  }
}
