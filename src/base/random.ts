/**
 * A small seeded generator (xorshift32, Marsaglia 2003): the same numbers in every run, so that two runs can be compared.
 * Not for secrets.
 */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0 || 0x9e3779b9
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) / 0x1_0000_0000
  }

  /** A whole number from 0 to `bound` − 1. */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }
}
