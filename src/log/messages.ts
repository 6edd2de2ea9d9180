import type { LogEndpoint, LogOrigin } from './endpoint.ts'
import type { LogFilter } from './log-filter.ts'

/** Where log lines go: the file, the terminal by way of the main thread, both, or nowhere. */
export type LogDestination = 'file' | 'console' | 'both' | 'none'

export interface LogSettings {
  readonly to: LogDestination
  readonly file: string
  /** Size at which the file is rotated. */
  readonly maxBytes: number
  /** Old files kept. */
  readonly maxFiles: number
  /** Of the lines that the main thread and the log thread write themselves. */
  readonly origin: LogOrigin
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

/** What the main thread may call besides. `clear`, `tail` and `follow` fail with StorageError. */
export type LogThreadCalls = RecorderCalls & {
  clear(): void
  tail(wish: { readonly count: number; readonly filter?: LogFilter }): string[]
  /** The same, and from then on `followed` with each line that is recorded here and wanted, until `unfollow`. */
  follow(wish: { readonly id: number; readonly count: number; readonly filter: LogFilter }): string[]
  unfollow(id: number): void
  /** Followed text of this length has been shown. */
  followedShown(shown: { readonly id: number; readonly length: number }): void
  /** Console text of this length has been shown. */
  shown(length: number): void
  close(): void
}

/** Lines for whoever follows the log, and how many were left out before them. */
export interface FollowNews {
  readonly id: number
  readonly lines: string
  readonly missed: number
}

/** What the log thread calls at the main thread. */
export type MainCalls = {
  opened(): void
  /** The file can't be opened, and the thread has ended. */
  failed(sentence: string): void
  /** Lines for the terminal; `shown` acknowledges them. */
  show(text: string): void
  /** Wanted lines for whoever follows, or how many they missed; `followedShown` acknowledges them. */
  followed(news: FollowNews): void
  trouble(sentence: string): void
}
