/** What the packet numbers tell of the path. */
export interface ReceiveCounts {
  /** Packets that came, each counted once. */
  readonly received: number
  readonly duplicates: number
  /** Came after one that was sent later. */
  readonly reordered: number
  /** Never came, as far as one can tell: numbers that were skipped and left the window. */
  readonly lost: number
}

/** Packets; a part of the protocol, since a sender may not fall further behind. */
const windowSize = 1024

/**
 * The packet numbers that came, in a sliding window as in RFC 4303 3.4.3: each number is accepted once, and one that is too old to be
 * told from a replay is refused. Losses are counted from the first number accepted.
 */
export class ReceiveWindow {
  readonly #seen = new Uint8Array(windowSize)
  #highest = -1
  #first = -1
  #received = 0
  #duplicates = 0
  #reordered = 0

  /** Whether `number` would be accepted; nothing changes. */
  isFresh(number: number): boolean {
    if (number > this.#highest) return true
    if (number <= this.#highest - windowSize) return false
    return this.#seen[number % windowSize] === 0
  }

  /** Call only for a packet that proved to be genuine. False for a duplicate or one that is too old. */
  accept(number: number): boolean {
    if (!this.isFresh(number)) {
      this.#duplicates += 1
      return false
    }
    this.#received += 1
    if (this.#first < 0) this.#first = number
    if (number > this.#highest) {
      if (number - this.#highest >= windowSize) this.#seen.fill(0)
      else for (let skipped = this.#highest + 1; skipped < number; skipped += 1) this.#seen[skipped % windowSize] = 0
      this.#highest = number
    } else {
      this.#reordered += 1
      this.#first = Math.min(this.#first, number)
    }
    this.#seen[number % windowSize] = 1
    return true
  }

  get counts(): ReceiveCounts {
    const expected = this.#first < 0 ? 0 : this.#highest - this.#first + 1
    const lost = Math.max(0, expected - this.#received)
    return { received: this.#received, duplicates: this.#duplicates, reordered: this.#reordered, lost }
  }
}
