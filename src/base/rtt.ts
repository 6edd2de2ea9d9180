/**
 * Smoothed round-trip time and its variation by RFC 6298, sections 2 and 3, in milliseconds. What a retransmission timeout
 * adds (bounds, granularity, back-off) is the caller's: a relay waits otherwise than a scan.
 */
export class RttEstimator {
  #smoothedMs = 0
  #variationMs = 0
  #samples = 0

  get samples(): number {
    return this.#samples
  }

  /** SRTT; 0 before the first sample. */
  get smoothedMs(): number {
    return this.#smoothedMs
  }

  /** RTTVAR; 0 before the first sample. */
  get variationMs(): number {
    return this.#variationMs
  }

  /** Karn's algorithm (section 3): only give the time of something that was sent once. */
  sample(rttMs: number): void {
    if (this.#samples++ === 0) {
      this.#smoothedMs = rttMs
      this.#variationMs = rttMs / 2
      return
    }
    // alpha = 1/8 and beta = 1/4; the variation first, since it uses the old SRTT (2.3).
    this.#variationMs += (Math.abs(this.#smoothedMs - rttMs) - this.#variationMs) / 4
    this.#smoothedMs += (rttMs - this.#smoothedMs) / 8
  }

  /** The path became another one: the next sample is a first one again. */
  reset(): void {
    this.#samples = 0
  }

  /**
   * SRTT + max(G, 4 · RTTVAR): how long an answer may take before it is missed (2.3). `initialMs` before the first sample.
   */
  expectedMs(initialMs: number, granularityMs = 0): number {
    if (this.#samples === 0) return initialMs
    return this.#smoothedMs + Math.max(granularityMs, 4 * this.#variationMs)
  }
}
