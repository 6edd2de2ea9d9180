import type { LogEndpoint } from './endpoint.ts'

/** Where log lines go: the file, the terminal by way of the main thread, both, or nowhere. */
export type LogDestination = 'file' | 'console' | 'both' | 'none'

export interface LogSettings {
  readonly to: LogDestination
  readonly file: string
  /** Size at which the file is rotated. */
  readonly maxBytes: number
  /** Old files kept. */
  readonly maxFiles: number
}

/** `workerData` of the log thread. */
export interface LogThreadData {
  readonly settings: LogSettings
  readonly main: LogEndpoint
}

/** What every recording thread may call at the log thread. */
export type RecorderCalls = {
  /** Finished lines, each with its line feed. */
  write(lines: string): void
  /** One more recording thread; its port is in the transfer list. */
  fork(far: LogEndpoint): void
}

/** What the main thread may call besides. `clear` and `tail` fail with StorageError. */
export type LogThreadCalls = RecorderCalls & {
  clear(): void
  tail(count: number): string[]
  /** Console text of this length has been shown. */
  shown(length: number): void
  close(): void
}

/** What the log thread calls at the main thread. */
export type MainCalls = {
  opened(): void
  /** The file can't be opened, and the thread has ended. */
  failed(sentence: string): void
  /** Lines for the terminal; `shown` acknowledges them. */
  show(text: string): void
  trouble(sentence: string): void
}
