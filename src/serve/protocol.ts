import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { EventSink } from '../base/events.ts'
import type { Processes } from '../base/processes.ts'
import type { StartThread } from '../base/threads.ts'
import type { Session } from '../net/session.ts'
import type { OptionSpecs, Values } from '../options/spec.ts'
import type { Framing } from './config.ts'

/** What a protocol gets in the thread that serves clients. */
export interface ProtocolServices {
  readonly clock: Clock
  readonly framing: Framing
  /** Leads to what `shared` returned, in the listener thread; absent when the protocol shares nothing. */
  readonly shared: MessagePort | undefined
}

/** A protocol at work in one thread. */
export interface Protocol {
  /**
   * Serves one client. The conversation ends when the promise resolves; without a promise, when `session.end` is called or
   * the peer leaves. Throwing costs this one conversation: a ProtocolError says that the peer broke the protocol, anything
   * else is a bug of ours.
   */
  serve(session: Session): void | Promise<void>
}

/** Paths, relative to the working directory; opened by those who keep something. */
export interface ServerFiles {
  readonly users: string
  readonly db: string
}

/** What a protocol gets to make sure of its files with, in the main thread. */
export interface ClaimServices {
  readonly files: ServerFiles
  readonly clock: Clock
  readonly processes: Processes
}

/** A server's right to its files. */
export interface Claim {
  /** They can be used. False: only `shared` can tell, and the port is opened after it has. */
  readonly checked: boolean
  /** Gives up what the server's threads have not taken over, and what they have left behind. */
  release(): void
}

/** What the shared part of a protocol gets in the listener thread. */
export interface SharedServices {
  readonly files: ServerFiles
  readonly startThread: StartThread
  readonly clock: Clock
  readonly record: EventSink
  /** What was opened turns out to be unusable, or is lost: the server stops and says why. */
  readonly fail: (error: Error) => void
}

/** The state that all clients of a server share: one owner, in the listener thread. */
export interface Shared {
  /** A thread that serves clients wants to talk; it gets the other end as `services.shared`. */
  attach(port: MessagePort): void
  /** An operator's command that the core doesn't know. The answer's text, or `undefined` for "unknown command". */
  command?(words: readonly string[]): string | undefined | Promise<string | undefined>
  /** Everything acknowledged is on disk when this resolves. */
  close(): Promise<void>
}

/** A protocol author writes one of these, and one line in `protocols/index.ts`. */
export interface ProtocolDefinition<S extends OptionSpecs = OptionSpecs> {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  readonly defaultPort: number
  /** Its clients send passwords, which do not travel between machines in plain text unless the operator insists. */
  readonly secrets?: true
  /** Options of this protocol only; the common ones come by themselves. */
  readonly options: S
  /**
   * Makes sure of the files of `shared`, so that the port need not wait until that has opened them. @throws {NetlabError}
   * when the server can't start, e.g. because a file can't be read or is in use.
   */
  claim?(options: Values<S>, services: ClaimServices): Promise<Claim>
  /** The state of the whole server. @throws {NetlabError} and the server does not start, or stops. */
  shared?(options: Values<S>, services: SharedServices): Shared | Promise<Shared>
  create(options: Values<S>, services: ProtocolServices): Protocol | Promise<Protocol>
}

/** Checks a definition and keeps the types of its options. */
export function defineProtocol<const S extends OptionSpecs = Record<never, never>>(
  definition: Omit<ProtocolDefinition<S>, 'options'> & { readonly options?: S },
): ProtocolDefinition<S> {
  return { ...definition, options: definition.options ?? ({} as S) }
}
