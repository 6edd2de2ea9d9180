import { type Clock, Deadline, type Timer } from '../base/clock.ts'
import type { NetlabEvent } from '../base/events.ts'
import { openRpc, type Rpc } from '../base/rpc.ts'
import { behind, Counter, type LogEndpoint, type LogOrigin, makeEndpoints } from './endpoint.ts'
import { logLimits } from './limits.ts'
import { LineFormat } from './line-format.ts'
import type { RecorderCalls } from './messages.ts'

/** What one thread needs of the event log. */
export interface EventLogWriter {
  /** Never throws. Waits (blocking the thread) while `logLimits.queueLength` of this thread's lines are not yet written. */
  record(event: NetlabEvent): void
  /** Hands over what is held back for the next batch. A thread calls it in its 'exit' listener too. */
  flush(): void
  /** The way to the log for a thread that is started from this one. Send it with `transferOf(endpoint)` as transfer list. */
  fork(): LogEndpoint | null
  /** The same log for another service of this process. */
  of(service: string): EventLogWriter
  /** Blocks until everything this thread recorded is written; false when that took longer than `timeoutMs`. */
  drain(timeoutMs: number): boolean
}

/** When to hand a batch over, and when to wait; see `logLimits`. */
export type WriterBounds = Readonly<Record<'batchLength' | 'batchMs' | 'queueLength' | 'waitMs' | 'waitCount', number>>

const silent: EventLogWriter = {
  record: () => {},
  flush: () => {},
  fork: () => null,
  of: () => silent,
  drain: () => true,
}

/** The bounds of each of so many threads that do the same work: together they hold no more than one alone. */
export function sharedBounds(threads: number): WriterBounds {
  const queueLength = Math.max(2 * logLimits.batchLength, Math.floor(logLimits.queueLength / threads))
  return { ...logLimits, queueLength }
}

/** Opens a thread's end of the log. */
export function attachEventLog(
  endpoint: LogEndpoint | null,
  clock: Clock,
  bounds: WriterBounds = logLimits,
): EventLogWriter {
  if (endpoint === null) return silent
  const logThread = openRpc<RecorderCalls>(endpoint.port, {})
  // A thread whose work is done ends, though its log is open.
  endpoint.port.unref()
  return new LineWriter(endpoint, logThread, clock, bounds)
}

/** Gathers lines to batches and hands them to the log thread, at the pace at which it writes them. */
export class LineWriter implements EventLogWriter {
  readonly #logThread: Rpc<RecorderCalls>
  readonly #counters: Int32Array
  readonly #clock: Clock
  readonly #bounds: WriterBounds
  readonly #whileWaiting: () => void
  readonly #origin: LogOrigin
  readonly #format: LineFormat
  readonly #onTimer = (): void => this.flush()
  #timer: Timer | undefined
  #batch = ''
  #lines = 0
  #dropped = 0
  #stalled = false

  /** `whileWaiting` runs whenever the log thread did something while this thread was blocked. */
  constructor(
    endpoint: LogEndpoint,
    logThread: Rpc<RecorderCalls>,
    clock: Clock,
    bounds: WriterBounds = logLimits,
    whileWaiting = () => {},
  ) {
    this.#logThread = logThread
    this.#counters = new Int32Array(endpoint.counters)
    this.#clock = clock
    this.#bounds = bounds
    this.#whileWaiting = whileWaiting
    this.#origin = endpoint.origin
    this.#format = new LineFormat(clock, endpoint.origin)
    // The log thread has ended: nobody is to wait for it.
    endpoint.port.once('close', () => void Atomics.store(this.#counters, Counter.closed, 1))
  }

  record(event: NetlabEvent): void {
    this.#add(event, this.#format)
  }

  #add(event: NetlabEvent, format: LineFormat): void {
    if (this.#lines === 0) this.#timer = this.#clock.after(this.#bounds.batchMs, this.#onTimer, { background: true })
    this.#batch += format.line(event)
    this.#counters[Counter.held] = ++this.#lines
    if (this.#batch.length >= this.#bounds.batchLength) this.flush()
  }

  flush(): void {
    if (this.#lines === 0 && this.#dropped === 0) return
    this.#timer?.cancel()
    const batch = this.#batch
    const lines = this.#lines
    this.#batch = ''
    this.#lines = 0
    if (!this.#isClosed()) {
      if (this.#waitForRoom()) this.#post(batch)
      else this.#dropped += lines
    }
    Atomics.store(this.#counters, Counter.held, 0)
  }

  of(service: string): EventLogWriter {
    const origin = { ...this.#origin, service }
    const format = new LineFormat(this.#clock, origin)
    return {
      record: (event) => this.#add(event, format),
      flush: () => this.flush(),
      fork: () => this.fork(origin),
      of: (other) => this.of(other),
      drain: (timeoutMs) => this.drain(timeoutMs),
    }
  }

  fork(origin = this.#origin): LogEndpoint {
    const { near, far } = makeEndpoints(origin)
    this.#logThread.notify('fork', far, [far.port])
    return near
  }

  drain(timeoutMs: number): boolean {
    this.flush()
    return this.waitUntil(() => this.#outstanding() === 0, timeoutMs)
  }

  /** Blocks until `condition` holds; false when it took longer than `timeoutMs`, or the log has ended without it. */
  waitUntil(condition: () => boolean, timeoutMs: number): boolean {
    const deadline = new Deadline(this.#clock, timeoutMs)
    for (;;) {
      const wake = Atomics.load(this.#counters, Counter.wake)
      this.#whileWaiting()
      if (condition()) return true
      if (deadline.passed || this.#isClosed()) return condition()
      Atomics.wait(this.#counters, Counter.wake, wake, Math.min(deadline.leftMs, this.#bounds.waitMs))
    }
  }

  #isClosed(): boolean {
    return Atomics.load(this.#counters, Counter.closed) !== 0
  }

  #outstanding(): number {
    return behind(Atomics.load(this.#counters, Counter.queued), Atomics.load(this.#counters, Counter.acked))
  }

  #post(batch: string): void {
    const gap = this.#dropped === 0 ? '' : this.#gapLine()
    this.#dropped = 0
    Atomics.add(this.#counters, Counter.queued, gap.length + batch.length)
    this.#logThread.notify('write', gap + batch)
  }

  #gapLine(): string {
    return this.#format.line({ type: 'log-gap', lines: this.#dropped, why: 'the log was written too slowly' })
  }

  /** False when there is none, and the log thread makes no progress either. */
  #waitForRoom(): boolean {
    let waits = this.#stalled ? this.#bounds.waitCount : 0
    let acked = Atomics.load(this.#counters, Counter.acked)
    for (;;) {
      const wake = Atomics.load(this.#counters, Counter.wake)
      if (this.#outstanding() <= this.#bounds.queueLength) break
      this.#whileWaiting()
      if (waits >= this.#bounds.waitCount || this.#isClosed()) {
        this.#stalled = true
        return false
      }
      const outcome = Atomics.wait(this.#counters, Counter.wake, wake, this.#bounds.waitMs)
      const seen = Atomics.load(this.#counters, Counter.acked)
      waits = outcome === 'timed-out' && seen === acked ? waits + 1 : 0
      acked = seen
    }
    this.#stalled = false
    return true
  }
}
