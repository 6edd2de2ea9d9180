import type { Timer } from '../base/clock.ts'
import type { AwakeClock } from './awake-clock.ts'
import { type Engine, type MakeEngine, type Settled, SILENT, STALLED } from './engines/engine.ts'
import { scanLimits } from './limits.ts'
import type { EngineName, HostAddress } from './types.ts'

/** Probes ports: an engine for the connects and one timer wheel for all that stays silent. */
export class Prober {
  readonly #clock: AwakeClock
  readonly #engine: Engine
  readonly #wheel: TimerWheel
  readonly #startedMs: Float64Array
  /** Stalls of the process before each attempt. */
  readonly #stalls: Uint32Array
  #seenMs: number
  #timer: Timer | undefined
  #inFlight = 0

  /** `capacity` tickets, numbered from 0. `settled` hears of every ticket sent exactly once, SILENT included. */
  constructor(capacity: number, makeEngine: MakeEngine, clock: AwakeClock, settled: Settled) {
    this.#clock = clock
    this.#seenMs = clock.monotonic()
    this.#wheel = new TimerWheel(capacity, this.#seenMs)
    this.#startedMs = new Float64Array(capacity)
    this.#stalls = new Uint32Array(capacity)
    this.#engine = makeEngine(clock, (ticket, outcome, rttMs, banner) => {
      this.#wheel.disarm(ticket)
      this.#inFlight--
      if (this.#isVoid(ticket)) settled(ticket, STALLED, 0)
      else settled(ticket, outcome, rttMs, banner)
    })
    this.#expired = (ticket) => {
      this.#engine.abandon(ticket)
      this.#inFlight--
      settled(ticket, this.#isVoid(ticket) ? STALLED : SILENT, this.#seenMs - (this.#startedMs[ticket] ?? 0))
    }
  }

  readonly #expired: (ticket: number) => void

  get engineName(): EngineName {
    return this.#engine.name
  }

  /** Starts one attempt; a banner may take `bannerMs` more. */
  send(ticket: number, host: HostAddress, port: number, timeoutMs: number, bannerMs: number): void {
    const nowMs = this.#clock.monotonic()
    this.#startedMs[ticket] = nowMs
    this.#stalls[ticket] = this.#clock.stalls
    this.#wheel.arm(ticket, nowMs + timeoutMs + bannerMs)
    this.#inFlight++
    this.#engine.connect(ticket, host, port, bannerMs)
    this.#timer ??= this.#clock.after(scanLimits.silenceTickMs, () => this.#tick())
  }

  /** Takes up what has happened. */
  poll(): void {
    this.#engine.poll()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#inFlight = 0
    this.#engine.close()
  }

  /** Whether the process stood still while the attempt was under way. */
  #isVoid(ticket: number): boolean {
    // An answer may be taken up before anything else looks at the clock.
    this.#clock.monotonic()
    return this.#stalls[ticket] !== this.#clock.stalls
  }

  #tick(): void {
    this.#timer = undefined
    this.#engine.poll()
    // Only what was due at the previous tick: whatever arrived while this thread was busy has been taken up since, so
    // that a stalled machine does not turn answers into silence.
    this.#wheel.expire(this.#seenMs, this.#expired)
    this.#seenMs = this.#clock.monotonic()
    if (this.#inFlight > 0) this.#timer = this.#clock.after(scanLimits.silenceTickMs, () => this.#tick())
  }
}

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
  constructor(capacity: number, nowMs: number, slotMs = scanLimits.wheelSlotMs, buckets = scanLimits.wheelSlots) {
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
