import type { Clock, Timer } from '../base/clock.ts'
import { datagramLimits } from './limits.ts'
import type { RoundTrip } from './rtt.ts'

interface Chores {
  /** Tells the relay what has come and what is missing; with 'answer' it has to acknowledge. */
  readonly report: (ask: 'answer' | 'no answer') => void
  readonly lost: () => void
}

/** Entries are acknowledged together, this long after the first (RFC 1122 4.2.3.2 allows TCP 500 ms). */
const reportMs = 100
/** How long a gap may be mere reordering. */
const reorderMs = 30
/** How often to ask after parts that wait at the relay: the acknowledgement that they were taken may be lost. */
const waitingMs = 1000

/** When a member in the room has something to tell the relay though nobody typed anything. */
export class SessionTimers {
  readonly #clock: Clock
  readonly #roundTrip: RoundTrip
  readonly #chores: Chores
  #heardMs: number
  #report: Timer | undefined
  #seen = -1
  #reported = -1
  #gap: Timer | undefined
  #gapTries = 0
  #gapSeen = -1
  #heartbeat: Timer | undefined
  #beatMs = Number.NEGATIVE_INFINITY
  #unanswered = 0
  #waiting = false

  constructor(clock: Clock, roundTrip: RoundTrip, chores: Chores) {
    this.#clock = clock
    this.#roundTrip = roundTrip
    this.#chores = chores
    this.#heardMs = clock.monotonic()
  }

  start(): void {
    this.heard()
    this.#restartHeartbeat()
  }

  /** A genuine datagram came from the relay. */
  heard(): void {
    this.#heardMs = this.#clock.monotonic()
    this.#unanswered = 0
  }

  /** Whether something of ours waits at the relay for its turn. */
  expectAnswer(waiting: boolean): void {
    if (waiting === this.#waiting) return
    this.#waiting = waiting
    this.#restartHeartbeat()
  }

  /**
   * Entries, or news of them, came: `complete` when nothing is known to be missing, `seen` up to where. When the relay has sent again,
   * `again`, our last report may have been lost.
   */
  entriesCame(complete: boolean, seen: number, again: boolean): void {
    this.#seen = seen
    if (seen > this.#reported || again) this.#report ??= this.#clock.after(reportMs, () => this.#tell())
    if (complete) {
      this.#gap?.cancel()
      this.#gap = undefined
      return
    }
    if (seen > this.#gapSeen) this.#gapTries = 0
    this.#gapSeen = seen
    this.#gap ??= this.#clock.after(reorderMs, () => this.#ask())
  }

  close(): void {
    for (const timer of [this.#report, this.#gap, this.#heartbeat]) timer?.cancel()
    this.#report = undefined
    this.#gap = undefined
  }

  #tell(): void {
    this.#report = undefined
    this.#reported = this.#seen
    this.#chores.report('no answer')
  }

  #ask(): void {
    this.#gapTries = Math.min(this.#gapTries + 1, datagramLimits.tries)
    this.#gap = this.#clock.after(this.#roundTrip.timeoutMs(this.#gapTries), () => this.#ask())
    this.#chores.report('no answer')
  }

  #restartHeartbeat(): void {
    this.#heartbeat?.cancel()
    const retryMs = this.#unanswered === 0 ? Number.POSITIVE_INFINITY : this.#roundTrip.timeoutMs(this.#unanswered)
    this.#heartbeat = this.#clock.after(Math.min(this.#usualMs, retryMs), () => this.#beat())
  }

  get #usualMs(): number {
    return this.#waiting ? waitingMs : datagramLimits.heartbeatMs
  }

  #beat(): void {
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#heardMs > datagramLimits.silenceMs) {
      this.#chores.lost()
      return
    }
    const answered = this.#unanswered === 0 && nowMs - this.#beatMs < this.#usualMs
    if (!answered) {
      this.#beatMs = nowMs
      this.#unanswered += 1
      this.#chores.report('answer')
    }
    this.#restartHeartbeat()
  }
}
