import { behind, Counter } from './endpoint.ts'

/** A thread of which everything recorded before a certain moment is waited for, while it may go on recording. */
export interface Settling {
  readonly counters: Int32Array
  /** Its `queued` at that moment. */
  readonly queuedThen: number
  /** Whether it held lines back at that moment. */
  held: boolean
  /** `queued` when it had handed those over. */
  target: number
}

export function startSettling(counters: Int32Array): Settling {
  const queuedThen = Atomics.load(counters, Counter.queued)
  return { counters, queuedThen, held: Atomics.load(counters, Counter.held) > 0, target: queuedThen }
}

/** Whether everything that the thread had recorded at the beginning is written. */
export function hasSettled(thread: Settling): boolean {
  const queued = Atomics.load(thread.counters, Counter.queued)
  if (thread.held && (queued !== thread.queuedThen || Atomics.load(thread.counters, Counter.held) === 0)) {
    thread.held = false
    thread.target = Atomics.load(thread.counters, Counter.queued)
  }
  return !thread.held && behind(thread.target, Atomics.load(thread.counters, Counter.acked)) <= 0
}
