import { RttEstimator } from '../../base/rtt.ts'
import { isMeasurement, type Purpose } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'

/*
 * Round-trip times of hosts, and how long an attempt waits for its answer. The smoothing is RFC 6298's; a scan adds two things. Its
 * attempts are connects of the kernel, which sends a lost SYN again after a second, so that an answer after more than that is ambiguous
 * (Karn's rule). And its timeouts are bounded on both sides, since a silent port costs one timeout for each attempt.
 */

const { synRetransmitMs, timerSlackMs } = limits.timeout

/** Round-trip time of one host, in milliseconds. */
export class HostRtt {
  readonly #rtt = new RttEstimator()
  #leastMs = Number.POSITIVE_INFINITY
  /** Answers in a row that may have been to the kernel's second SYN. */
  #ambiguous = 0

  get samples(): number {
    return this.#rtt.samples
  }

  /** 0 before the first sample. */
  get smoothedMs(): number {
    return this.#rtt.smoothedMs
  }

  /** How much longer than the fastest an answer took. */
  excessMs(rttMs: number): number {
    return Math.max(0, rttMs - this.#leastMs)
  }

  /** The excess that neither jitter nor a busy machine explains, when all answers have it. */
  get unexplainedExcessMs(): number {
    return Math.max(limits.queue.minExcessMs, this.#leastMs * limits.queue.jitterShare)
  }

  /** The path became slower: the fastest answer so far is no measure any more. */
  forgetLeast(): void {
    this.#leastMs = Number.POSITIVE_INFINITY
  }

  /**
   * Takes up what an answer took. False: it may have been to the kernel's second SYN, sent after a second, so that its time says
   * nothing. A path as slow as that is known by what was seen before, or by several such answers when nothing fits better.
   */
  sample(rttMs: number): boolean {
    if (rttMs < synRetransmitMs - timerSlackMs) {
      this.#ambiguous = 0
      // What was taken for a slow path was retransmissions after all.
      const seemedSlow = this.smoothedMs >= synRetransmitMs - timerSlackMs
      if (seemedSlow && this.smoothedMs - rttMs > synRetransmitMs / 2) this.#rtt.reset()
    } else if (this.samples === 0 || rttMs - this.smoothedMs > synRetransmitMs / 2) {
      const sinceSecondSynMs = Math.abs(rttMs - synRetransmitMs - this.smoothedMs)
      if (this.samples > 0 && sinceSecondSynMs < Math.max(4 * this.#rtt.variationMs, timerSlackMs)) return false
      const { ambiguousFromKnown, ambiguousFromUnknown } = limits.timeout
      if (++this.#ambiguous < (this.samples === 0 ? ambiguousFromUnknown : ambiguousFromKnown)) return false
      this.#rtt.reset()
    }
    if (this.samples === 0) this.forgetLeast()
    this.#leastMs = Math.min(this.#leastMs, rttMs)
    this.#rtt.sample(rttMs)
    return true
  }

  /** How long an answer may take before it is missed: `srtt + 4·rttvar`, without the bounds. */
  get expectedMs(): number {
    return this.#rtt.expectedMs(limits.timeout.initialMs)
  }

  /** How long to wait for the answer to the given attempt (from 1): later attempts allow for a path that became slower. */
  timeoutMs(attempt: number): number {
    const timeoutMs = Math.max(this.expectedMs, limits.timeout.minMs) * (attempt > 1 ? limits.timeout.retryFactor : 1)
    return Math.min(timeoutMs, this.maxTimeoutMs)
  }

  /** How long to wait where an answer must not be missed: longer than usual only for a host known to take longer. */
  get maxTimeoutMs(): number {
    return Math.max(limits.timeout.maxMs, Math.min(this.expectedMs, limits.timeout.farMaxMs))
  }
}

/** Chooses the timeout of each attempt: `--timeout`, or what the host's round-trip time and the work that is left allow. */
export class TimeoutPolicy {
  readonly #fixedMs: number | undefined

  /** `fixedMs`: as asked for by hand. */
  constructor(fixedMs: number | undefined) {
    this.#fixedMs = fixedMs
  }

  /** The timeout of an attempt made now; `inFlight`, `capacity` and `othersMs` are those of `ofPort`. */
  of(purpose: Purpose, attempt: number, rtt: HostRtt, inFlight: number, capacity: number, othersMs: number): number {
    if (isMeasurement(purpose)) return this.#fixedMs ?? rtt.maxTimeoutMs
    return this.ofPort(attempt, rtt, inFlight, capacity, othersMs)
  }

  /**
   * The same for a port whose state is not known, with `inFlight` attempts under way of `capacity`. It is asked again only when all others
   * have been, in `othersMs`, so that waiting till then costs nothing but sockets; and it is late answers that tell of a queue.
   */
  ofPort(attempt: number, rtt: HostRtt, inFlight: number, capacity: number, othersMs: number): number {
    if (this.#fixedMs !== undefined) return this.#fixedMs
    const neededMs = rtt.timeoutMs(attempt)
    if (inFlight >= Math.min(limits.timeout.maxUnhurried, capacity * limits.timeout.unhurriedShare)) return neededMs
    return Math.max(neededMs, Math.min(othersMs * limits.timeout.unhurriedFactor, limits.timeout.unhurriedMs))
  }
}
