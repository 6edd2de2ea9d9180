/**
 * One hashed timer wheel for all probes (Varghese & Lauck, 1987): arming, disarming and expiring cost O(1), where a
 * timer object per socket would cost more than the socket. Timers are dense small integers; times are milliseconds of
 * one monotonic clock.
 */
export class TimerWheel {
  readonly #slotMs: number
  readonly #heads: Int32Array
  readonly #next: Int32Array
  readonly #previous: Int32Array
  readonly #bucket: Int32Array
  readonly #deadline: Float64Array
  #turned: number

  /** `capacity` timers, numbered from 0; a bucket covers `slotMs`. */
  constructor(capacity: number, nowMs: number, slotMs = 4, buckets = 512) {
    this.#slotMs = slotMs
    this.#heads = new Int32Array(buckets).fill(-1)
    this.#next = new Int32Array(capacity)
    this.#previous = new Int32Array(capacity)
    this.#bucket = new Int32Array(capacity).fill(-1)
    this.#deadline = new Float64Array(capacity)
    this.#turned = Math.floor(nowMs / slotMs)
  }

  arm(timer: number, deadlineMs: number): void {
    const turn = Math.max(Math.floor(deadlineMs / this.#slotMs), this.#turned)
    const bucket = turn % this.#heads.length
    const head = this.#heads[bucket] ?? -1
    this.#deadline[timer] = deadlineMs
    this.#bucket[timer] = bucket
    this.#previous[timer] = -1
    this.#next[timer] = head
    if (head !== -1) this.#previous[head] = timer
    this.#heads[bucket] = timer
  }

  disarm(timer: number): void {
    const bucket = this.#bucket[timer] ?? -1
    if (bucket === -1) return
    const next = this.#next[timer] ?? -1
    const previous = this.#previous[timer] ?? -1
    if (previous === -1) this.#heads[bucket] = next
    else this.#next[previous] = next
    if (next !== -1) this.#previous[next] = previous
    this.#bucket[timer] = -1
  }

  /** Disarms every timer whose deadline is at or before `nowMs` and calls `expired` for each. */
  expire(nowMs: number, expired: (timer: number) => void): void {
    const last = Math.floor(nowMs / this.#slotMs)
    const first = Math.max(this.#turned, last - this.#heads.length + 1)
    for (let turn = first; turn <= last; turn++) {
      let timer = this.#heads[turn % this.#heads.length] ?? -1
      while (timer !== -1) {
        const next = this.#next[timer] ?? -1
        if ((this.#deadline[timer] ?? 0) <= nowMs) {
          this.disarm(timer)
          expired(timer)
        }
        timer = next
      }
    }
    this.#turned = Math.max(this.#turned, last)
  }
}
