import type { NameFault } from '../text/names.ts'
import type { PasswordFault } from './password-rules.ts'
import type { Delayer } from './throttle.ts'

/** A session as its owner may see it; times in milliseconds since the Unix epoch. */
export interface SessionInfo {
  readonly id: number
  readonly user: string
  /** Where its login came from. */
  readonly address: string
  readonly createdMs: number
  readonly usedMs: number
  readonly expiresMs: number
}

/** A name, and the id of the account that has it, if any. */
export interface NamedAccount {
  readonly name: string
  readonly account: string | undefined
}

export interface Credentials {
  readonly name: string
  readonly password: string
  /** Takes the place of the password, which may have been given for one login only. */
  readonly newPassword?: string
  /** The client's, as the socket tells it. */
  readonly address: string
  /** What failed on this connection before. */
  readonly failures?: number
}

export interface RegisterRequest extends Credentials {
  /** Where registering needs one. */
  readonly code?: string
}

/** Not now, or not any more: what can happen to every request that costs a hash or a write. */
export type Unavailable =
  | { readonly kind: 'busy'; readonly retryMs: number }
  /** Too many failures of this source or at this account; or too many registrations. */
  | { readonly kind: 'throttled'; readonly retryMs: number; readonly by: Delayer | 'registrations' }
  /** The client left before its turn. */
  | { readonly kind: 'left' }
  /** It could not be kept on disk. */
  | { readonly kind: 'storage' }

export interface SessionGranted {
  readonly kind: 'welcome'
  readonly session: SessionInfo
  /** The account's id, for the server only: what rights belong to. */
  readonly account: string
  /** Absent when the session was resumed: the client has it. */
  readonly token?: string
  /** How long earlier failures made this wait, and whose. */
  readonly delayedMs: number
  readonly delayedBy?: Delayer
  /** The login also replaced the password, which ended so many sessions. */
  readonly changed?: number
}

/** One answer for an unknown name and a wrong password. `account` is for the log only: the name, if there is such a user. */
export interface WrongPassword {
  readonly kind: 'wrong'
  readonly account?: string
  readonly delayedMs: number
  readonly delayedBy?: Delayer
}

export type NoSession = { readonly kind: 'no-session'; readonly why: 'malformed' | 'expired' | 'unknown' }
export type BadName = { readonly kind: 'bad-name'; readonly why: NameFault }
export type BadPassword = { readonly kind: 'bad-password'; readonly why: PasswordFault }
/** Nobody may register. */
export type RegistrationClosed = { readonly kind: 'closed' }
/** Who registers must say a code: none was said, or another one. */
export type BadCode = { readonly kind: 'bad-code'; readonly why: 'missing' | 'wrong' }
/** `alike`: nobody has the name itself, but one that looks like it. */
export type NameTaken = { readonly kind: 'taken'; readonly alike?: true }
export type StoreFull = { readonly kind: 'full' }

/** The password was given for one login, which has to bring a new one. */
export type MustChange = { readonly kind: 'must-change'; readonly delayedMs: number }
/** The account is banned; `until` is ISO 8601. */
export type Banned = { readonly kind: 'banned'; readonly until?: string }

export type LoginOutcome = SessionGranted | WrongPassword | MustChange | Banned | BadName | BadPassword | Unavailable
/** The account exists, but no session could be kept on disk: it can log in later. */
export type RegisteredOnly = { readonly kind: 'registered-only' }

export type RegisterOutcome =
  | SessionGranted
  | RegisteredOnly
  | RegistrationClosed
  | BadCode
  | NameTaken
  | StoreFull
  | BadName
  | BadPassword
  | Unavailable
export type ResumeOutcome = SessionGranted | NoSession | Banned
export type SessionsOutcome = { readonly kind: 'sessions'; readonly sessions: readonly SessionInfo[] } | NoSession
export type LogoutOutcome = { readonly kind: 'logged-out'; readonly count: number } | NoSession | Unavailable
export type ChangeOutcome =
  | { readonly kind: 'changed'; readonly revoked: number }
  | WrongPassword
  | BadPassword
  | NoSession
  | Unavailable
export type NameOutcome = { readonly kind: 'host'; readonly name: string | undefined }
export type IdentifyOutcome =
  | { readonly kind: 'identified'; readonly name: string; readonly isNew: boolean }
  | NameTaken
  | StoreFull
  | BadName
  | Unavailable

/** Why a session is over: somebody ended it, or it was not used for too long or is too old, or its account was banned. */
export type SessionEnd = 'revoked' | 'expired' | 'banned'

/** Which sessions of its user a session ends: itself, the others, all, or the one of that number. */
export type LogoutScope = 'this' | 'others' | 'all' | number

export interface PasswordChangeRequest {
  readonly session: number
  readonly old: string
  readonly new: string
  readonly address: string
}

/**
 * What can be asked of the owner of all accounts. One request, one outcome, all of it plain data, so that it can be asked
 * from another thread. Aborting `signal` says that the client left.
 */
export type AccountCalls = {
  nameOf(request: { readonly address: string }): Promise<NameOutcome>
  identify(request: { readonly address: string; readonly name: string }): Promise<IdentifyOutcome>
  login(request: Credentials, signal?: AbortSignal): Promise<LoginOutcome>
  register(request: RegisterRequest, signal?: AbortSignal): Promise<RegisterOutcome>
  resume(request: { readonly token: string }): Promise<ResumeOutcome>
  /** The sessions of this session's user, the last used first. */
  sessions(request: { readonly session: number }): Promise<SessionsOutcome>
  logout(request: { readonly session: number; readonly which: LogoutScope }): Promise<LogoutOutcome>
  /** Ends the user's other sessions too. */
  changePassword(request: PasswordChangeRequest, signal?: AbortSignal): Promise<ChangeOutcome>
}

export interface Accounts extends AccountCalls {
  /** Calls back when this session is over, through whomever or whatever. The returned function ends that. */
  onEnd(session: number, callback: (why: SessionEnd) => void): () => void
  /** Calls back with each new name of the account of this session. The returned function ends that. */
  onRename(session: number, callback: (name: string) => void): () => void
}

/** Tells what becomes of sessions to who watches one or all of them. */
export class SessionNotifier<T> {
  readonly #watchers = new Map<number, Set<(what: T) => void>>()
  readonly #everyone = new Set<(session: number, what: T) => void>()

  /** Hears of one session. The returned function ends that. */
  watch(session: number, callback: (what: T) => void): () => void {
    const watchers = this.#watchers.get(session) ?? new Set()
    this.#watchers.set(session, watchers.add(callback))
    return () => {
      watchers.delete(callback)
      if (watchers.size === 0 && this.#watchers.get(session) === watchers) this.#watchers.delete(session)
    }
  }

  /** Hears of all sessions. The returned function ends that. */
  watchAll(callback: (session: number, what: T) => void): () => void {
    this.#everyone.add(callback)
    return () => void this.#everyone.delete(callback)
  }

  announce(session: number, what: T): void {
    for (const callback of this.#everyone) callback(session, what)
    for (const callback of [...(this.#watchers.get(session) ?? [])]) callback(what)
  }
}
