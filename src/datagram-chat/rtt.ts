/** The clock granularity G of RFC 6298: timers here are no finer than a relay's tick. */
const granularityMs = 5

/**
 * Round-trip time and retransmission timeout by RFC 6298. The one departure: the floor is 200 ms instead of 1 s (2.4, a SHOULD),
 * as every common TCP has it, because a person waits for the echo of a line.
 */
export class RoundTrip {
  readonly #minMs: number
  #smoothedMs: number | undefined
  #variationMs = 0

  constructor(minMs = 200) {
    this.#minMs = minMs
  }

  /** Undefined until the first sample. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs
  }

  get variationMs(): number {
    return this.#variationMs
  }

  /** Karn's algorithm (3): only give the time of something that was sent once. */
  sample(ms: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = ms
      this.#variationMs = ms / 2
      return
    }
    this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - ms)
    this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * ms
  }

  /** How long to wait for an answer to the send number `tries` (from 1): doubled for each one before (5.5), at most 60 s. */
  timeoutMs(tries = 1): number {
    const base =
      this.#smoothedMs === undefined ? 1000 : this.#smoothedMs + Math.max(granularityMs, 4 * this.#variationMs)
    return Math.min(60_000, Math.max(this.#minMs, base) * 2 ** (tries - 1))
  }
}
