import { limits } from '../../base/limits.ts'

/**
 * Round-trip time of one host as RFC 6298 smooths it (alpha 1/8, beta 1/4), with the retransmission timeout kept
 * within the bounds that a scan can afford. Milliseconds.
 */
export class RttEstimator {
  #smoothed = 0
  #variation = 0
  #samples = 0

  get samples(): number {
    return this.#samples
  }

  /** Smoothed round-trip time; 0 before the first sample. */
  get smoothedMs(): number {
    return this.#smoothed
  }

  sample(rttMs: number): void {
    if (this.#samples++ === 0) {
      this.#smoothed = rttMs
      this.#variation = rttMs / 2
    } else {
      this.#variation += (Math.abs(this.#smoothed - rttMs) - this.#variation) / 4
      this.#smoothed += (rttMs - this.#smoothed) / 8
    }
  }

  /** How long an answer may take before it is missed: `srtt + 4·rttvar`, without the bounds. */
  get expectedMs(): number {
    return this.#samples === 0 ? limits.scanFirstTimeoutMs : this.#smoothed + 4 * this.#variation
  }

  /** How long to wait for the answer to the given attempt (from 1): later attempts allow for a path that became slower. */
  timeoutMs(attempt: number): number {
    const timeoutMs = Math.max(this.expectedMs, limits.scanMinTimeoutMs) * (attempt > 1 ? 2 : 1)
    return Math.min(timeoutMs, limits.scanMaxTimeoutMs)
  }
}
