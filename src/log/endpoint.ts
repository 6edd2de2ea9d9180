import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** Whose lines they are: several services of several processes may share a log. */
export interface LogOrigin {
  readonly service: string
  readonly pid: number
}

/**
 * One thread's way to the log thread. It can be sent to a thread in `workerData` or a message, with `port` in the transfer
 * list; `null` stands for "no log is kept".
 */
export interface LogEndpoint {
  readonly port: MessagePort
  /** Int32Array, see `Counter`. */
  readonly counters: SharedArrayBuffer
  readonly origin: LogOrigin
}

/**
 * What the two ends share. Lengths are counted in UTF-16 units and wrap around at 32 bits: compare with `behind`.
 */
export const Counter = {
  /** Length of all batches handed over; written by the recording thread. */
  queued: 0,
  /** Length of all batches that were written, or given up; written by the log thread. */
  acked: 1,
  /** Lines that the recording thread has not handed over yet. */
  held: 2,
  /** Changes whenever the recording thread may have a reason to stop waiting. */
  wake: 3,
  /** 1 from the moment on that nobody takes lines any more. */
  closed: 4,
} as const

/** How far `acked` is behind `queued`. */
export function behind(queued: number, acked: number): number {
  return (queued - acked) | 0
}

/** Two connected ends: `near` for the thread that records, `far` for the log thread. */
export function makeEndpoints(origin: LogOrigin): { readonly near: LogEndpoint; readonly far: LogEndpoint } {
  const { port1, port2 } = new MessageChannel()
  const counters = new SharedArrayBuffer(Object.keys(Counter).length * Int32Array.BYTES_PER_ELEMENT)
  return { near: { port: port1, counters, origin }, far: { port: port2, counters, origin } }
}

/** What has to be in the transfer list when the endpoint is sent. */
export function transferOf(endpoint: LogEndpoint | null): MessagePort[] {
  return endpoint === null ? [] : [endpoint.port]
}

/** Lets a thread that waits look again. */
export function wake(counters: Int32Array): void {
  Atomics.add(counters, Counter.wake, 1)
  Atomics.notify(counters, Counter.wake)
}

/** What one thread has recorded up to the beginning of a flush, while it may go on recording. */
export interface FlushMark {
  readonly counters: Int32Array
  /** Its `queued` at the beginning. */
  readonly queuedThen: number
  /** Whether the lines that it held back at the beginning are still held. */
  held: boolean
  /** What `acked` has to reach. */
  target: number
}

/** Marks what the thread with these counters has recorded up to now. */
export function markForFlush(counters: Int32Array): FlushMark {
  const queuedThen = Atomics.load(counters, Counter.queued)
  return { counters, queuedThen, held: Atomics.load(counters, Counter.held) > 0, target: queuedThen }
}

/** Whether everything up to the mark is written. */
export function isFlushed(mark: FlushMark): boolean {
  const queued = Atomics.load(mark.counters, Counter.queued)
  if (mark.held && (queued !== mark.queuedThen || Atomics.load(mark.counters, Counter.held) === 0)) {
    mark.held = false
    mark.target = Atomics.load(mark.counters, Counter.queued)
  }
  return !mark.held && behind(mark.target, Atomics.load(mark.counters, Counter.acked)) <= 0
}
