import type { Transferable, Worker } from 'node:worker_threads'

/** The programs a thread can run; `main` knows where each one's file is, also inside the standalone binary. */
export type ThreadEntry = 'log' | 'listener' | 'client' | 'store' | 'scan'

export interface ThreadOptions {
  /** What `/proc/PID/task/TID/comm` shows; at most 15 characters. */
  readonly name: string
  /** Given to the entry as `workerData`. */
  readonly data?: unknown
  /** Ports and buffers in `data` that move to the thread. */
  readonly transfer?: readonly Transferable[]
}

/** Starts a worker thread. Attach its 'exit' and 'error' listeners before the next turn of the event loop. */
export type StartThread = (entry: ThreadEntry, options: ThreadOptions) => Worker
