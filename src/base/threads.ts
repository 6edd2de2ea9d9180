import { availableParallelism } from 'node:os'
import type { Transferable } from 'node:worker_threads'

/** The programs a thread can run; `main` knows where each one's file is, also inside the standalone binary. */
export type ThreadEntry = 'log' | 'listener' | 'client' | 'store' | 'scan'

export interface ThreadOptions {
  /** What `/proc/PID/task/TID/comm` shows; at most 15 characters. */
  readonly name: string
  /** Given to the entry when it runs. */
  readonly data?: unknown
  /** Ports and buffers in `data` that move to the thread. */
  readonly transfer?: readonly Transferable[]
}

/** A running thread, as the one that started it sees it; node:worker_threads' `Worker` is one. */
export interface Thread {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void
  // biome-ignore lint/suspicious/noExplicitAny: a message has the type that its sender gave it.
  on(event: 'message', listener: (message: any) => void): unknown
  /** What it threw, and then 'exit'. */
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'exit', listener: () => void): unknown
  once(event: 'exit', listener: () => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  off(event: 'message', listener: (message: any) => void): unknown
  terminate(): Promise<unknown>
  /** Whether it keeps the process alive. */
  ref(): void
  unref(): void
}

/** Starts a thread. Attach its 'exit' and 'error' listeners before the next turn of the event loop. */
export type StartThread = (entry: ThreadEntry, options: ThreadOptions) => Thread

/** Threads that are worth starting: one for each processor but the one that is left to everyone else; at least one. */
export function spareProcessors(): number {
  return Math.max(1, availableParallelism() - 1)
}
