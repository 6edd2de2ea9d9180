/** Who is at the other end: address without the IPv4-mapped prefix, and port. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** Why a conversation ended. */
export type DisconnectReason =
  | 'peer-closed'
  | 'peer-reset'
  | 'no-answer'
  | 'exit'
  | 'idle'
  | 'no-login'
  | 'session-ended'
  | 'kicked'
  | 'banned'
  | 'stopping'
  | 'protocol-error'
  | 'slow-reader'
  | 'memory'
  | 'fault'

/** Why someone was not logged in. The words of a client never get here: a name that nobody has may be a password. */
export type LoginFailure =
  | 'credentials'
  | 'name'
  | 'password'
  | 'taken'
  | 'full'
  | 'registration-closed'
  | 'registration-code'
  | 'busy'
  | 'left'
  | 'storage'
  | 'banned'
  | 'token-malformed'
  | 'token-expired'
  | 'token-unknown'
  | 'deadline'
  | 'attempts'
  | 'plaintext'

interface SessionEvent<T extends string> {
  readonly type: T
  readonly id: number
  readonly peer: Peer
  readonly name: string
  readonly session: number
}

interface SessionsEndedEvent<T extends string> {
  readonly type: T
  readonly id: number
  readonly peer: Peer
  readonly name: string
  /** How many sessions that ended. */
  readonly sessions: number
}

/**
 * Everything that happens, as data. The log file, the console, the operator's tables and the tests read it; nothing else
 * logs. Secrets never become event text. `id` numbers a connection within its server, from 1.
 */
export type NetlabEvent =
  | {
      readonly type: 'starting'
      readonly service: string
      readonly version: string
      readonly pid: number
      readonly threads: number
    }
  | {
      readonly type: 'port-taken'
      readonly host: string
      readonly port: number
      readonly next: number
      readonly holder?: string
    }
  | {
      readonly type: 'listening'
      readonly service: string
      readonly host: string
      readonly port: number
      readonly asked: number
    }
  | {
      readonly type: 'limited'
      readonly what: 'clients' | 'threads'
      readonly asked: number
      readonly allowed: number
      readonly why: string
    }
  | { readonly type: 'accept-failed'; readonly code: string; readonly error: string }
  | {
      readonly type: 'refused'
      readonly peer: Peer
      readonly reason: 'max-clients' | 'file-descriptors' | 'thread-cap' | 'banned' | 'stopping'
    }
  | { readonly type: 'connected'; readonly id: number; readonly peer: Peer; readonly thread: number }
  /** The connection had been reset before it was accepted: who it was is not known any more. */
  | { readonly type: 'gone'; readonly id: number }
  | { readonly type: 'received'; readonly id: number; readonly bytes: number }
  | { readonly type: 'sent'; readonly id: number; readonly bytes: number }
  | {
      readonly type: 'disconnected'
      readonly id: number
      readonly peer: Peer
      readonly reason: DisconnectReason
      readonly detail?: string
      readonly received: number
      readonly sent: number
      readonly durationMs: number
    }
  /** Part of a line or frame came, and then nothing for a while: its end may never come. */
  | {
      readonly type: 'unfinished'
      readonly id: number
      readonly peer: Peer
      readonly unit: 'line' | 'frame'
      readonly bytes: number
      readonly waitedMs: number
    }
  /** Clients make the server hold nearly as much as it may; so many of this thread wait to be read. */
  | { readonly type: 'memory-short'; readonly bytes: number; readonly limit: number; readonly waiting: number }
  | {
      readonly type: 'stop-refused'
      readonly id: number
      readonly peer: Peer
      readonly rule: 'loopback' | 'never' | 'foreign' | 'proxied'
    }
  | { readonly type: 'stop-requested'; readonly by: string }
  | { readonly type: 'kicked'; readonly id: number; readonly peer: Peer }
  | {
      readonly type: 'identified'
      readonly id: number
      readonly peer: Peer
      readonly name: string
      readonly isNew: boolean
    }
  | { readonly type: 'registered'; readonly id: number; readonly peer: Peer; readonly name: string }
  | SessionEvent<'login'>
  | SessionEvent<'session-resumed'>
  | SessionEvent<'session-revoked'>
  | SessionEvent<'session-expired'>
  | SessionEvent<'session-banned'>
  | {
      readonly type: 'login-failed'
      readonly id: number
      readonly peer: Peer
      readonly reason: LoginFailure
      /** Only of an account that exists. */
      readonly name?: string
    }
  | {
      readonly type: 'throttled'
      readonly id: number
      readonly peer: Peer
      /** What there was too much of: failed logins to that account, or from that source; or registrations from there. */
      readonly by: 'account' | 'source' | 'registrations'
      readonly waitMs: number
      /** It was turned away for that time; else it was served after it. */
      readonly refused: boolean
    }
  | SessionsEndedEvent<'logout'>
  | SessionsEndedEvent<'password-changed'>
  /** SIGHUP: what can be read anew is. */
  | { readonly type: 'reloaded' }
  /** A server's certificate, by the SHA-256 fingerprints of its key and of itself. */
  | { readonly type: 'certificate-loaded'; readonly key: string; readonly fingerprint: string; readonly until: string }
  /** The one before stays in use. */
  | { readonly type: 'certificate-rejected'; readonly error: string }
  /** It ends soon or, with less than 0 `days`, has ended; `until` is an ISO date. */
  | { readonly type: 'certificate-ending'; readonly until: string; readonly days: number }
  | { readonly type: 'certificate-early'; readonly from: string }
  | { readonly type: 'certificate-untrusted'; readonly why: string }
  | { readonly type: 'paused'; readonly host: string; readonly port: number }
  | { readonly type: 'resumed'; readonly host: string; readonly port: number }
  | {
      readonly type: 'member-joined'
      readonly id: number
      readonly peer: Peer
      readonly name: string
      readonly room: string
    }
  | { readonly type: 'member-moved'; readonly id: number; readonly peer: Peer; readonly name: string }
  | {
      readonly type: 'member-left'
      readonly id: number
      readonly peer: Peer
      readonly name: string
      readonly reason: 'left' | 'silent' | 'kicked' | 'stopping'
    }
  | { readonly type: 'member-refused'; readonly peer: Peer; readonly reason: string }
  /** Its operator can type at its console only. */
  | { readonly type: 'control-failed'; readonly error: string }
  | { readonly type: 'logs-cleared' }
  | { readonly type: 'users-cleared'; readonly count: number }
  /** The operator did something to an account or a host, or banned addresses, which are the `name` then. */
  | {
      readonly type: 'account-changed'
      readonly action: 'forgotten' | 'renamed' | 'reset' | 'logged-out' | 'banned' | 'unbanned'
      readonly name: string
      readonly newName?: string
      /** How many that ended. */
      readonly sessions?: number
      /** ISO 8601: when a ban ends. */
      readonly until?: string
    }
  /** Somebody says more than may be said in a time, and is read more slowly. */
  | { readonly type: 'flooding'; readonly id: number; readonly peer: Peer; readonly name: string }
  | { readonly type: 'log-gap'; readonly lines: number; readonly why: string }
  | { readonly type: 'thread-died'; readonly thread: string; readonly error: string; readonly clients: number }
  | { readonly type: 'fault'; readonly where: string; readonly error: string }
  | {
      readonly type: 'moderated'
      readonly by: string
      readonly action: 'kick' | 'ban' | 'mute' | 'op' | 'topic'
      readonly room: string
      readonly name: string
      readonly off: boolean
    }
  | { readonly type: 'history-failed'; readonly error: string }
  | { readonly type: 'history-resumed'; readonly unstored: number }
  | {
      readonly type: 'stopped'
      readonly service: string
      readonly reason: string
      readonly connections: number
      readonly uptimeMs: number
    }

export type EventType = NetlabEvent['type']

/** Takes events as they happen. Must not throw. */
export type EventSink = (event: NetlabEvent) => void
