import { encodeFrame } from '../net/frame-codec.ts'
import type { SessionInfo } from './accounts.ts'
import type { RegistrationMode } from './registration.ts'

/** What a field of a message holds. */
type FieldKind = 'text' | 'number or text' | 'true or false'

/** The messages a client may send, by type, with their fields. A field whose name ends in `?` may be missing. */
export type MessageShapes = Readonly<Record<string, Readonly<Record<string, FieldKind>>>>

/** Asks a client whether it is there; it answers with `pong`, as we do when it asks. */
export const pingFrame: Uint8Array = encodeFrame('{"type":"ping"}')

/** Before someone is logged in. */
export type LoginMessage =
  /** With `ping` the client promises to answer pings. */
  | { readonly type: 'hello'; readonly ping?: boolean }
  /** A login may bring a new password, for the next ones. */
  | { readonly type: 'login'; readonly name: string; readonly password: string; readonly new?: string }
  | { readonly type: 'register'; readonly name: string; readonly password: string; readonly code?: string }
  | { readonly type: 'resume'; readonly token: string }
  | { readonly type: 'exit' }

export const loginShapes = {
  hello: { 'ping?': 'true or false' },
  login: { name: 'text', password: 'text', 'new?': 'text' },
  register: { name: 'text', password: 'text', 'code?': 'text' },
  resume: { token: 'text' },
  exit: {},
} as const satisfies MessageShapes

/** Once someone is logged in. */
export type AccountMessage =
  | { readonly type: 'whoami' | 'sessions' | 'exit' }
  | { readonly type: 'logout'; readonly which?: string | number }
  /** Goes on with another session on the same connection. */
  | { readonly type: 'resume'; readonly token: string }
  | { readonly type: 'passwd'; readonly old: string; readonly new: string }

export const accountShapes: MessageShapes = {
  whoami: {},
  sessions: {},
  logout: { 'which?': 'number or text' },
  resume: { token: 'text' },
  passwd: { old: 'text', new: 'text' },
  exit: {},
}

/** What the server says, in every phase. `message` is a sentence for a person, `reason` a word for a program. */
export type ServerMessage =
  | {
      readonly type: 'hello'
      readonly service: string
      readonly version: 1
      /** A client that promises to answer is pinged when it has been silent for so long. */
      readonly pingMs: number
      /** Who may register, where not everybody may. */
      readonly registration?: Exclude<RegistrationMode, 'open'>
    }
  | {
      readonly type: 'welcome'
      readonly name: string
      readonly how: 'login' | 'registered' | 'resumed'
      readonly session: SessionInfo
      readonly token?: string
    }
  | { readonly type: 'denied'; readonly reason: string; readonly message: string; readonly retryMs?: number }
  | { readonly type: 'wait'; readonly message: string }
  | { readonly type: 'whoami'; readonly name: string; readonly session: SessionInfo }
  | { readonly type: 'sessions'; readonly current: number; readonly sessions: readonly SessionInfo[] }
  | { readonly type: 'logged-out'; readonly count: number; readonly here: boolean }
  | { readonly type: 'changed'; readonly revoked: number }
  /** The operator gave the account another name. */
  | { readonly type: 'renamed'; readonly name: string }
  | { readonly type: 'bye'; readonly reason: string; readonly message: string }
