import type { MeasurementInterval, ReadonlyLossSample } from './interval.ts'
import { LossSample } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { isSelfMeasuring, type RefusalsCount } from './loss-analysis.ts'

/*
 * A rate limit: so many probes per second pass a policer, a firewall's SYN limit or a bottleneck, and what is above is dropped or waits.
 * Once found it is kept to for a while and then questioned, as conditions change and the finding may have been a mistake. Where most
 * ports answer, the scan goes a little above it, since drops are noticed by themselves and asked again; where only open ports answer, it
 * stays below, since each dropped probe would look like a filtered port. Compare TCP CUBIC (RFC 9438): fast up to the last known
 * maximum, slowly past it.
 */

/** How many probes per second the path or a host was seen to let through, and how far that can be believed. */
export class RateLimit {
  #rate: number | undefined
  #doubtedFromMs = 0
  #trustMs: number = limits.limit.trustMs
  #below = new LossSample()
  /** The share of the answers expected from first attempts that came: a moving average. */
  #delivered = 1
  /** Enough ports that were tried lately for the first time answer: drops are noticed by themselves. */
  #isDense = false
  #isQueue = false

  /** Probes per second; undefined while no limit is known. */
  get rate(): number | undefined {
    return this.#rate
  }

  /** What exceeds it is not dropped, at first: it waits in a queue. */
  get isQueue(): boolean {
    return this.#isQueue
  }

  /** Reference probes sent since it was found, at no more than it. */
  get below(): ReadonlyLossSample {
    return this.#below
  }

  /** The rate that keeps to it; undefined where drops are noticed, so that it need not be kept to, and while none is known. */
  get safeRate(): number | undefined {
    return this.#rate === undefined || this.#isDense ? undefined : this.#rate * limits.limit.safeFactor
  }

  /** The share of what is sent at `rate` that passes. */
  passedShare(rate: number): number {
    return Math.min(1, (this.#rate ?? Number.POSITIVE_INFINITY) / rate)
  }

  found(rate: number, nowMs: number, by: 'loss' | 'delay'): void {
    this.#rate = rate
    this.#isQueue = by === 'delay'
    this.#below = new LossSample()
    this.#delivered = 1
    this.trust(nowMs)
  }

  forget(): void {
    this.#rate = undefined
  }

  /** It is believed for a while, and twice as long each time. */
  trust(nowMs: number): void {
    this.#doubtedFromMs = nowMs + this.#trustMs
    this.#trustMs *= 2
  }

  /** It is time to ask again whether it holds. */
  isDoubted(atMs: number): boolean {
    return this.#rate !== undefined && atMs > this.#doubtedFromMs
  }

  /** Takes up first attempts and reference probes of an interval whose answers are in. */
  add(interval: MeasurementInterval, first: ReadonlyLossSample, reference: ReadonlyLossSample): void {
    const { denseShare, memoryProbes } = limits.limit
    const { sent, expected, answered } = first
    if (sent > interval.sent / 2) this.#isDense = expected > interval.sent * denseShare
    if (expected > 0) this.#delivered += (answered / expected - this.#delivered) * Math.min(1, expected / memoryProbes)
    if (this.passedShare(interval.rate) === 1) this.#below.add(reference)
  }

  /** The rate after `rate`, when all that was expected of an interval has come. */
  grown(rate: number, interval: MeasurementInterval, first: ReadonlyLossSample): number {
    const bounds = limits.limit
    const { growthFactor } = limits.rate
    const limit = this.#rate
    if (limit === undefined || rate > limit * bounds.refutedFactor) {
      this.#rate = undefined
      return rate * growthFactor
    }
    if (!this.#isDense) return Math.max(rate, limit * bounds.safeFactor)
    if (rate * growthFactor <= limit) return rate * growthFactor
    // Where nearly all ports answer, drops are seen at once: while nothing is missing, the limit was found too low or is gone.
    const isPassed = isSelfMeasuring(first) && this.#delivered < bounds.passedShare
    if (isPassed && rate > limit * bounds.excessFactor) return rate
    if (this.isDoubted(interval.endMs)) return rate * bounds.doubtedGrowthFactor
    return rate * (1 + (bounds.growthSharePerSecond * (interval.endMs - interval.startMs)) / 1000)
  }
}

/**
 * Asks whether a limit that was found still holds: a quarter more is sent, of which a limit drops a fifth. Where it is a queue, that
 * grows by a quarter of the time, and `QueueingDelay` notices it.
 */
export class LimitRecheck {
  /** To be sent meanwhile, per second. */
  readonly rate: number
  readonly #reference = new LossSample()
  readonly #limit: RateLimit
  readonly #sinceInterval: number
  readonly #sinceMs: number

  /** Intervals before `sinceInterval` were sent at the old rate. */
  constructor(limit: RateLimit, sinceInterval: number, sinceMs: number) {
    this.rate = (limit.rate ?? 0) * limits.recheck.rateFactor
    this.#limit = limit
    this.#sinceInterval = sinceInterval
    this.#sinceMs = sinceMs
  }

  /** Whether the limit holds; undefined while too little was heard. */
  add(interval: MeasurementInterval, refusalsCount: RefusalsCount): boolean | undefined {
    if (interval.index < this.#sinceInterval) return undefined
    const { minProbes, minUsualProbes, queueMs, rateFactor } = limits.recheck
    this.#reference.add(interval.sum('reference', refusalsCount))
    const { sent, answered } = this.#reference
    if (sent < minProbes || (this.#limit.isQueue && interval.endMs - this.#sinceMs < queueMs)) return undefined
    const { below } = this.#limit
    const usualShare = below.sent < minUsualProbes ? 1 : below.answered / below.sent
    return answered / sent < (usualShare * (1 + 1 / rateFactor)) / 2
  }
}
