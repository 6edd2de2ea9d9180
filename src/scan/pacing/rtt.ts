import { limits } from '../../base/limits.ts'

/**
 * Round-trip time of one host as RFC 6298 smooths it (alpha 1/8, beta 1/4), with the retransmission timeout kept
 * within the bounds that a scan can afford. Milliseconds.
 */
export class RttEstimator {
  #smoothed = 0
  #variation = 0
  #samples = 0
  #least = Number.POSITIVE_INFINITY
  /** Answers in a row that may have been to the kernel's second SYN. */
  #ambiguous = 0

  get samples(): number {
    return this.#samples
  }

  /** Smoothed round-trip time; 0 before the first sample. */
  get smoothedMs(): number {
    return this.#smoothed
  }

  /** How much longer than the fastest an answer took. */
  excessMs(rttMs: number): number {
    return Math.max(0, rttMs - this.#least)
  }

  /** The excess that neither jitter nor a busy machine explains, when all answers have it. */
  get muchMs(): number {
    return Math.max(MUCH_MS, this.#least, 4 * this.#variation)
  }

  /** The path became slower: the fastest answer so far is no measure any more. */
  forgetLeast(): void {
    this.#least = Number.POSITIVE_INFINITY
  }

  /**
   * Takes up what an answer took. False: it may have been to the kernel's second SYN, sent after a second, so that its time
   * says nothing (Karn's rule). A path as slow as that is known by what was seen before, or by nothing that fits better.
   */
  sample(rttMs: number): boolean {
    if (rttMs < RETRANSMIT_MS - EARLY_MS) {
      this.#ambiguous = 0
      // What was taken for a slow path was retransmissions after all.
      if (this.#smoothed - rttMs > RETRANSMIT_MS / 2 && this.#smoothed >= RETRANSMIT_MS - EARLY_MS) this.#samples = 0
    } else if (this.#samples === 0 || rttMs - this.#smoothed > RETRANSMIT_MS / 2) {
      const sinceSecond = Math.abs(rttMs - RETRANSMIT_MS - this.#smoothed)
      if (this.#samples > 0 && sinceSecond < Math.max(4 * this.#variation, EARLY_MS)) return false
      if (++this.#ambiguous < (this.#samples === 0 ? 3 : 8)) return false
      this.#samples = 0
    }
    this.#add(rttMs)
    return true
  }

  #add(rttMs: number): void {
    if (this.#samples === 0) this.forgetLeast()
    this.#least = Math.min(this.#least, rttMs)
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
    return Math.min(timeoutMs, this.longestMs)
  }

  /** How long to wait where an answer must not be missed: longer than usual only for a host known to take longer. */
  get longestMs(): number {
    return Math.max(limits.scanMaxTimeoutMs, Math.min(this.expectedMs, limits.scanFarTimeoutMs))
  }
}

/** The kernel's first SYN retransmission (RFC 6298: the initial timeout), and how much earlier a coarse timer may make it. */
const RETRANSMIT_MS = 1000
const EARLY_MS = 50
/** Less than this is no delay worth acting on. */
const MUCH_MS = 150
