import type { Clock, Timer } from '../../src/base/clock.ts'

interface Pending {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until it is told to move, and then runs what has come due, in order. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  #jumpedMs = 0
  readonly #origin: number
  readonly #pending = new Set<Pending>()

  constructor(epochMs = 1_700_000_000_000) {
    this.#origin = epochMs
    this.#now = epochMs
  }

  now(): number {
    return this.#now + this.#jumpedMs
  }

  /** Somebody sets the clock: timers and the monotonic clock know nothing of it. */
  jump(ms: number): void {
    this.#jumpedMs += ms
  }

  monotonic(): number {
    return this.#now - this.#origin
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback }
    this.#pending.add(entry)
    return { cancel: () => void this.#pending.delete(entry) }
  }

  /** Callbacks that still wait. */
  get pending(): number {
    return this.#pending.size
  }

  /** Until the first of them is due; undefined when none waits. */
  get nextInMs(): number | undefined {
    const next = this.#next()
    return next && next.at - this.#now
  }

  /** Moves `ms` forward, running each callback at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#pending.delete(next)
      this.#now = next.at
      next.callback()
    }
    this.#now = end
  }

  #next(): Pending | undefined {
    let first: Pending | undefined
    for (const entry of this.#pending) {
      if (first === undefined || entry.at < first.at || (entry.at === first.at && entry.order < first.order))
        first = entry
    }
    return first
  }
}
