import { isRepeated, type Purpose } from './epoch.ts'
import type { RttEstimator } from './rtt.ts'

/** How long attempts wait for their answers. */
export class Patience {
  readonly #fixedMs: number | undefined
  /** Attempts under way up to which there is no hurry. */
  readonly #few: number

  /** `fixedMs`: as asked for by hand; `concurrency`: attempts that may be under way. */
  constructor(fixedMs: number | undefined, concurrency: number) {
    this.#fixedMs = fixedMs
    this.#few = Math.min(MOST_PATIENT, concurrency / 4)
  }

  /** The wait of an attempt made now; the other two are those of `ofPort`. */
  of(purpose: Purpose, attempt: number, rtt: RttEstimator, inFlight: number, othersMs: number): number {
    if (isRepeated(purpose)) return this.#fixedMs ?? rtt.longestMs
    return this.ofPort(attempt, rtt, inFlight, othersMs)
  }

  /**
   * The same for a port whose answer is not known. It is asked again only when all others have been, in `othersMs`, so that
   * waiting till then costs nothing but sockets; and it is late answers that tell of a queue.
   */
  ofPort(attempt: number, rtt: RttEstimator, inFlight: number, othersMs: number): number {
    if (this.#fixedMs !== undefined) return this.#fixedMs
    const neededMs = rtt.timeoutMs(attempt)
    return inFlight >= this.#few ? neededMs : Math.max(neededMs, Math.min(othersMs, BEFORE_SECOND_SYN_MS))
  }
}

/** Attempts that wait longer than they need to: a queue that matters makes itself felt at a thousand probes a second. */
const MOST_PATIENT = 1_000
/** The kernel sends a second SYN after a second, which would double what silent ports cost the path. */
const BEFORE_SECOND_SYN_MS = 950
