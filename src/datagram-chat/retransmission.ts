import { RttEstimator } from '../base/rtt.ts'
import { datagramLimits } from './limits.ts'

/** How long to wait for an answer before it is asked for again, from the round trips that were timed (RFC 6298). */
export class RetransmissionTimeout {
  readonly #rtt = new RttEstimator()
  readonly #minMs: number

  /** `minMs`: never wait less than this. */
  constructor(minMs: number = datagramLimits.minTimeoutMs) {
    this.#minMs = minMs
  }

  /** SRTT; undefined until the first sample. */
  get smoothedMs(): number | undefined {
    return this.#rtt.samples === 0 ? undefined : this.#rtt.smoothedMs
  }

  /** RTTVAR. */
  get variationMs(): number {
    return this.#rtt.variationMs
  }

  /** Karn's algorithm (3): only give the time of something that was sent once. */
  sample(ms: number): void {
    this.#rtt.sample(ms)
  }

  /** How long to wait after this attempt, from 1: doubled for each one before (5.5). */
  afterMs(attempt = 1): number {
    const { initialTimeoutMs, timerGranularityMs, maxTimeoutMs } = datagramLimits
    const onceMs = Math.max(this.#minMs, this.#rtt.expectedMs(initialTimeoutMs, timerGranularityMs))
    return Math.min(maxTimeoutMs, onceMs * 2 ** (attempt - 1))
  }
}

/** How many copies of a datagram go out at this attempt, from 1. */
export function copiesAt(attempt: number): number {
  return datagramLimits.copies[attempt - 1] ?? 1
}
