import { limits } from './limits.ts'

/**
 * First in, first out, at the same cost however many wait. An array's own `shift` moves all the others once they are some
 * thousands: 64 KiB of empty lines, one read of a socket, took it two seconds.
 */
export class Fifo<T extends string | object> {
  #items: (T | undefined)[] = []
  /** Where the first one is. */
  #at = 0

  get size(): number {
    return this.#items.length - this.#at
  }

  /** Undefined when there is none. */
  get first(): T | undefined {
    return this.#items[this.#at]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the first; undefined when there is none. */
  shift(): T | undefined {
    const item = this.#items[this.#at]
    if (item === undefined) return undefined
    this.#items[this.#at++] = undefined
    if (this.size === 0 || (this.#at >= limits.fifoSlackCount && this.#at >= this.size)) {
      this.#items = this.#items.slice(this.#at)
      this.#at = 0
    }
    return item
  }
}
