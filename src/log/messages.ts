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

/** To the log thread. A string is a batch of finished lines. */
export type LogRequest =
  | string
  | { readonly type: 'fork'; readonly endpoint: LogEndpoint }
  | { readonly type: 'clear'; readonly ticket: number }
  | { readonly type: 'tail'; readonly ticket: number; readonly count: number }
  | { readonly type: 'close' }
  /** The main thread has shown console text of this length. */
  | { readonly type: 'shown'; readonly length: number }

export interface LogFailure {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** From the log thread to the main thread. */
export type LogReport =
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly failure: LogFailure }
  | { readonly type: 'done'; readonly ticket: number; readonly lines: readonly string[] }
  | { readonly type: 'undone'; readonly ticket: number; readonly failure: LogFailure }
  | { readonly type: 'console'; readonly text: string }
  | { readonly type: 'trouble'; readonly sentence: string }
