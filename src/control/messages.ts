import { ExitCode, ProtocolError } from '../base/errors.ts'

/*
 * What `netlab control` and a server say to each other, one JSON object a frame: the server greets, the client asks one thing, the
 * server answers it and may show lines or ask before. Both are one version of netlab, or nearly.
 */

/** The server's first words. */
export interface Greeting {
  readonly version: string
  readonly pid: number
  /** What it serves. */
  readonly services: readonly string[]
  /** It is on its way to its end: nothing is carried out any more. */
  readonly stopping: boolean
}

/** What the client wants. */
export interface ControlRequest {
  /** As it would be typed at the console. */
  readonly line: string
  /** The answer to whatever is asked; `ask`: there is somebody to be asked. */
  readonly confirm: 'yes' | 'no' | 'ask'
}

/** What the server says to a request, until `answer` ends it. */
export type ControlNews =
  /** From now on lines are shown as they come. */
  | { readonly type: 'following' }
  | { readonly type: 'show'; readonly text: string }
  /** The client sends `{ "yes": true }` or false. */
  | { readonly type: 'question'; readonly text: string }
  /** `stopping`: the connection stays open until the server has ended. */
  | { readonly type: 'answer'; readonly text: string; readonly exit: ExitCode; readonly stopping: boolean }

/** A frame's object. @throws {ProtocolError} when it is none; the types are believed: both ends belong to one user. */
export function parseObject<T>(frame: string): T {
  try {
    const value: unknown = JSON.parse(frame)
    if (typeof value === 'object' && value !== null) return value as T
  } catch {
    // Said below.
  }
  throw new ProtocolError('CONTROL', 'the control socket spoke nonsense')
}

/** An exit code that came through the socket. */
export function exitOf(code: unknown): ExitCode {
  return Object.values(ExitCode).find((known) => known === code) ?? ExitCode.software
}
