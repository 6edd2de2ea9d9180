import { limits } from '../../base/limits.ts'
import type { Epoch } from './epoch.ts'
import { Evidence, type ReadonlyEvidence } from './evidence.ts'
import { DENSE } from './trial.ts'

/** How many probes per second the path or a host was seen to let through, and how far that can be believed. */
export class KnownLimit {
  #rate: number | undefined
  #doubtMs = 0
  #believeMs: number = limits.scanBelieveLimitMs
  #below = new Evidence()
  /** The share of the answers expected from first attempts that came, over the latest hundred. */
  #delivered = 1
  /** Most ports that were tried lately for the first time answer: what is dropped is noticed by itself. */
  #isDense = false
  #isQueue = false

  /** Probes per second; undefined while no limit is known. */
  get rate(): number | undefined {
    return this.#rate
  }

  /** More than it does not drop, at first: it waits in a queue. */
  get isQueue(): boolean {
    return this.#isQueue
  }

  /** Canaries sent since it was found, at no more than it. */
  get below(): ReadonlyEvidence {
    return this.#below
  }

  /** The rate that keeps to it: above it where what is dropped is noticed, lest an answer that could come is not asked for. */
  get safeRate(): number | undefined {
    return this.#rate === undefined || this.#isDense ? undefined : this.#rate * SAFE
  }

  /** The share of what is sent at `rate` that passes. */
  passed(rate: number): number {
    return Math.min(1, (this.#rate ?? Number.POSITIVE_INFINITY) / rate)
  }

  found(rate: number, nowMs: number, by: 'loss' | 'delay'): void {
    this.#rate = rate
    this.#isQueue = by === 'delay'
    this.#below = new Evidence()
    this.#delivered = 1
    this.believe(nowMs)
  }

  forget(): void {
    this.#rate = undefined
  }

  /** For a while, and longer each time it is found again: conditions change, and it may be a mistake. */
  believe(nowMs: number): void {
    this.#doubtMs = nowMs + this.#believeMs
    this.#believeMs *= 2
  }

  /** It is time to ask again whether it holds. */
  isDoubted(atMs: number): boolean {
    return this.#rate !== undefined && atMs > this.#doubtMs
  }

  /** Takes up first attempts and canaries of an epoch whose answers are in. */
  add(epoch: Epoch, { sent, expected, answered }: ReadonlyEvidence, canaries: ReadonlyEvidence): void {
    if (sent > epoch.sent / 2) this.#isDense = expected > epoch.sent * 0.33
    if (expected > 0) this.#delivered += (answered / expected - this.#delivered) * Math.min(1, expected / 100)
    if (this.passed(epoch.rate) === 1) this.#below.add(canaries)
  }

  /** The rate after `rate`, when all that was expected of an epoch has come. */
  grown(rate: number, epoch: Epoch, fresh: ReadonlyEvidence): number {
    const limit = this.#rate
    if (limit === undefined || rate > limit * 1.5) {
      this.#rate = undefined
      return rate * 1.5
    }
    // What is dropped above a limit costs rounds where silence proves nothing else.
    if (!this.#isDense) return Math.max(rate, limit * SAFE)
    if (rate * 1.5 <= limit) return rate * 1.5
    // Where nearly all ports answer, what is dropped above the limit is seen at once: while nothing is missed, the limit
    // was found too low or is gone.
    const isPassed = fresh.expected > fresh.sent * DENSE && this.#delivered < 0.96
    if (isPassed && rate > limit * EXCESS) return rate
    return rate * (this.isDoubted(epoch.endMs) ? 1.1 : 1 + (0.3 * (epoch.endMs - epoch.startMs)) / 1000)
  }
}

/** How far above a limit a scan goes, lest an answer that could come is not asked for. */
const EXCESS = 1.1
/** How near to it where only open ports answer. */
const SAFE = 0.9
