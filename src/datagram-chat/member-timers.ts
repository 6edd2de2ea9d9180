import type { Clock, Timer } from '../base/clock.ts'
import { datagramLimits } from './limits.ts'
import type { RetransmissionTimeout } from './retransmission.ts'

interface TimerHandlers {
  /** Acknowledges records and asks for missing ones; with 'echo' the relay has to answer. */
  readonly acknowledge: (ask: 'echo' | 'no echo') => void
  /** Nothing was heard for too long. */
  readonly lost: () => void
}

/** When a member sends acknowledgements: delayed ones, requests for what is missing, and heartbeats. */
export class MemberTimers {
  readonly #clock: Clock
  readonly #timeout: RetransmissionTimeout
  readonly #handlers: TimerHandlers
  #heardMs: number
  #delayedAck: Timer | undefined
  #received = -1
  #acknowledged = -1
  #gap: Timer | undefined
  #gapAttempts = 0
  #gapAfter = -1
  #heartbeat: Timer | undefined
  #beatMs = Number.NEGATIVE_INFINITY
  #unanswered = 0
  #held = false

  constructor(clock: Clock, timeout: RetransmissionTimeout, handlers: TimerHandlers) {
    this.#clock = clock
    this.#timeout = timeout
    this.#handlers = handlers
    this.#heardMs = clock.monotonic()
  }

  start(): void {
    this.heard()
    this.#restartHeartbeat()
  }

  /** A genuine packet came from the relay. */
  heard(): void {
    this.#heardMs = this.#clock.monotonic()
    this.#unanswered = 0
  }

  /** Asks for an answer now, and again until one comes. */
  ask(): void {
    this.#beatMs = this.#clock.monotonic()
    this.#unanswered += 1
    this.#handlers.acknowledge('echo')
    this.#restartHeartbeat()
  }

  /** Whether something of ours waits at the relay for the rate limit: then it is asked more often whether it was accepted. */
  pollHeld(held: boolean): void {
    if (held === this.#held) return
    this.#held = held
    this.#restartHeartbeat()
  }

  /**
   * Records, or news of them, came: `complete` when none is known to be missing, `received` up to which number. When the relay has sent
   * some again, `retransmitted`, our last acknowledgement may have been lost.
   */
  recordsArrived(complete: boolean, received: number, retransmitted: boolean): void {
    this.#received = received
    if (received > this.#acknowledged || retransmitted) {
      this.#delayedAck ??= this.#clock.after(datagramLimits.ackDelayMs, () => this.#acknowledge())
    }
    if (complete) {
      this.#gap?.cancel()
      this.#gap = undefined
      return
    }
    if (received > this.#gapAfter) this.#gapAttempts = 0
    this.#gapAfter = received
    this.#gap ??= this.#clock.after(datagramLimits.reorderMs, () => this.#requestGap())
  }

  close(): void {
    for (const timer of [this.#delayedAck, this.#gap, this.#heartbeat]) timer?.cancel()
    this.#delayedAck = undefined
    this.#gap = undefined
  }

  #acknowledge(): void {
    this.#delayedAck = undefined
    this.#acknowledged = this.#received
    this.#handlers.acknowledge('no echo')
  }

  #requestGap(): void {
    this.#gapAttempts = Math.min(this.#gapAttempts + 1, datagramLimits.attempts)
    this.#gap = this.#clock.after(this.#timeout.afterMs(this.#gapAttempts), () => this.#requestGap())
    this.#handlers.acknowledge('no echo')
  }

  #restartHeartbeat(): void {
    this.#heartbeat?.cancel()
    const { heartbeatRetryMs, silenceMs } = datagramLimits
    const retryMs =
      this.#unanswered === 0
        ? Number.POSITIVE_INFINITY
        : Math.min(heartbeatRetryMs, this.#timeout.afterMs(this.#unanswered))
    const silentMs = this.#heardMs + silenceMs + 1 - this.#clock.monotonic()
    const delayMs = Math.max(0, Math.min(this.#intervalMs, retryMs, silentMs))
    this.#heartbeat = this.#clock.after(delayMs, () => this.#beat())
  }

  get #intervalMs(): number {
    return this.#held ? datagramLimits.heldPollMs : datagramLimits.heartbeatMs
  }

  #beat(): void {
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#heardMs > datagramLimits.silenceMs) {
      this.#handlers.lost()
      return
    }
    const answered = this.#unanswered === 0 && nowMs - this.#beatMs < this.#intervalMs
    if (answered) this.#restartHeartbeat()
    else this.ask()
  }
}
