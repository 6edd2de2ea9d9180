import type { Clock, Timer } from '../base/clock.ts'
import type { Engine, Settled, Target } from './engines/engine.ts'
import { SILENT } from './outcome.ts'
import { TimerWheel } from './timer-wheel.ts'

/** What the prober needs to make its engine: it settles tickets as the engine's attempts end. */
export type MakeEngine = (clock: Clock, settled: Settled) => Engine

/** Probes ports: an engine for the connects and one timer wheel for all that stays silent. */
export class Prober {
  readonly #clock: Clock
  readonly #engine: Engine
  readonly #wheel: TimerWheel
  readonly #startedMs: Float64Array
  #seenMs: number
  #timer: Timer | undefined
  #inFlight = 0

  /** `capacity` tickets, numbered from 0. `settled` hears of every ticket sent exactly once, SILENT included. */
  constructor(capacity: number, makeEngine: MakeEngine, clock: Clock, settled: Settled) {
    this.#clock = clock
    this.#seenMs = clock.monotonic()
    this.#wheel = new TimerWheel(capacity, this.#seenMs)
    this.#startedMs = new Float64Array(capacity)
    this.#engine = makeEngine(clock, (ticket, outcome, rttMs, banner) => {
      this.#wheel.disarm(ticket)
      this.#inFlight--
      settled(ticket, outcome, rttMs, banner)
    })
    this.#expired = (ticket) => {
      this.#engine.abandon(ticket)
      this.#inFlight--
      settled(ticket, SILENT, this.#seenMs - (this.#startedMs[ticket] ?? 0))
    }
  }

  readonly #expired: (ticket: number) => void

  get engineName(): 'net' | 'libc' {
    return this.#engine.name
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Starts one attempt; a banner may take `bannerMs` more. */
  send(ticket: number, target: Target, port: number, timeoutMs: number, bannerMs: number): void {
    const nowMs = this.#clock.monotonic()
    this.#startedMs[ticket] = nowMs
    this.#wheel.arm(ticket, nowMs + timeoutMs + bannerMs)
    this.#inFlight++
    this.#engine.connect(ticket, target, port, bannerMs)
    this.#timer ??= this.#clock.after(TICK_MS, () => this.#tick())
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

  #tick(): void {
    this.#timer = undefined
    this.#engine.poll()
    // Only what was due at the previous tick: whatever arrived while this thread was busy has been taken up since, so
    // that a stalled machine does not turn answers into silence.
    this.#wheel.expire(this.#seenMs, this.#expired)
    this.#seenMs = this.#clock.monotonic()
    if (this.#inFlight > 0) this.#timer = this.#clock.after(TICK_MS, () => this.#tick())
  }
}

/** How late a silence may be noticed; far below the shortest timeout. */
const TICK_MS = 5
