import { limits } from '../../base/limits.ts'

/** What our own system can bear: attempts under way at a time, fewer after it ran short of descriptors or memory. */
export class Shortage {
  readonly #most: number
  #capacity: number
  #streak = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  constructor(concurrency: number) {
    this.#most = concurrency
    this.#capacity = concurrency
  }

  get capacity(): number {
    return Math.floor(this.#capacity)
  }

  /** Shortages that one port outlasts. Once nothing ever succeeds in between, none: waiting has not helped. */
  get patience(): number {
    return this.#streak > limits.scanShortages ? 0 : limits.scanShortages
  }

  isPausing(nowMs: number): boolean {
    return nowMs < this.#pausedUntilMs
  }

  /** An attempt could not be made while `inFlight` others were. True: the first of a group, so slow down. */
  met(inFlight: number, nowMs: number): boolean {
    this.#streak++
    if (this.isPausing(nowMs)) return false
    this.#capacity = Math.max(LEAST, Math.min(this.#capacity, inFlight * 0.9))
    if (this.#streak <= limits.scanShortages) this.#pausedUntilMs = nowMs + Math.min(5 * 2 ** this.#streak, PAUSE_MS)
    return true
  }

  /** An attempt was made: whatever was short, there is some. Capacity comes back slowly. */
  passed(): void {
    this.#streak = 0
    this.#capacity = Math.min(this.#most, this.#capacity + 0.005)
  }
}

const LEAST = 4
const PAUSE_MS = 250
