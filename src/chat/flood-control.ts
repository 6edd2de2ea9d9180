import { TokenBucket } from './token-bucket.ts'

/** One token bucket for each person of a thread, shared by all of their connections there. */
export class FloodControl {
  readonly #burst: number
  readonly #ratePerSecond: number
  readonly #buckets = new Map<string, { readonly bucket: TokenBucket; connections: number }>()

  /** @param ratePerSecond 0 means no limit */
  constructor(burst: number, ratePerSecond: number) {
    this.#burst = burst
    this.#ratePerSecond = ratePerSecond
  }

  enter(name: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(name)
    if (known !== undefined) {
      known.connections += 1
      return known.bucket
    }
    const bucket = new TokenBucket(this.#burst, this.#ratePerSecond, nowMs)
    this.#buckets.set(name, { bucket, connections: 1 })
    return bucket
  }

  leave(name: string): void {
    const known = this.#buckets.get(name)
    if (known !== undefined && --known.connections === 0) this.#buckets.delete(name)
  }
}
