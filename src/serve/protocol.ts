import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { EventSink } from '../base/events.ts'
import type { StartThread } from '../base/threads.ts'
import type { Framing } from '../net/dialect.ts'
import type { Session } from '../net/session.ts'
import type { Ask } from '../options/resolve.ts'
import type { OptionSpecs, Values } from '../options/spec.ts'
import type { ServiceCommand } from '../terminal/operator-console.ts'

/** One end of each channel that a protocol declares, by the channel's name. */
export type ChannelPorts<C extends string = string> = Readonly<Record<C, MessagePort>>

/** What a protocol gets in the thread that serves clients. */
export interface ProtocolServices<C extends string = string> {
  readonly clock: Clock
  readonly framing: Framing
  /** Lead to the shared state, which got the other ends by `attach`. */
  readonly channels: ChannelPorts<C>
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

/** What a protocol gets to check its files with, in the main thread. */
export interface PreflightServices {
  readonly clock: Clock
  /** What it shares with other services of this process has been opened already. */
  readonly isCommonOpen?: boolean
  /** Tells whoever starts the server a sentence. */
  readonly notice: (sentence: string) => void
}

/** What a protocol gets to complete its options with, in the main thread. */
export interface OptionServices {
  /** Asks a person; absent when there is no terminal. */
  readonly ask: Ask | undefined
  /** The first line of a file, which is `what`. @throws {StorageError} when it can't be read */
  readFirstLine(path: string, what: string): string
}

export interface Preflight {
  /** The files can be used. False: that shows when the shared state opens them, and the port opens after it has. */
  readonly complete: boolean
  /** Gives up the files' locks, which this process keeps from the preflight to the end of the server. */
  release(): void
}

/** What the shared state of a protocol gets in the listener thread. */
export interface SharedStateServices {
  /** Memory that the system gives this process; infinite where nothing bounds it. */
  readonly memoryBytes: number
  readonly startThread: StartThread
  readonly clock: Clock
  readonly record: EventSink
  /** Tells whoever started the server a sentence, on standard error; never logged, so it may hold a secret for them. */
  readonly announce: (sentence: string) => void
  /** Ends the conversations with all whose address is banned now. */
  readonly endConnections: (banned: (address: string) => boolean) => void
  /** What was opened turns out to be unusable, or is lost: the server stops and says why. */
  readonly fail: (error: Error) => void
  /** Leads to what it shares with other services of this process; undefined where it opens that itself. */
  readonly common?: MessagePort
}

/** The state that all clients of a server share: one owner, in the listener thread. */
export interface SharedState<C extends string = string> {
  /** A new thread that serves clients: it has the other ends as `services.channels`. They close when it ends. */
  attach(ports: ChannelPorts<C>): void
  /** Whether nobody from this address may come. */
  refuses?(address: string): boolean
  /**
   * Carries out one of the protocol's `operatorCommands`, which is the first word; the rest are what followed it. The answer's text.
   * Rejects with a NetlabError for what the operator can mend.
   */
  command?(words: readonly string[]): string | Promise<string>
  /** Everything acknowledged is on disk when this resolves. */
  close(): Promise<void>
}

/** What several services of one process may share: one owner, in a thread of its own, that each reaches through a port. */
export interface CommonState {
  /** Those with the same name are shared. */
  readonly name: string
  /** With the options of all of them. @throws {NetlabError} and none of them starts. */
  open(
    options: Values<OptionSpecs>,
    services: Pick<SharedStateServices, 'startThread' | 'record' | 'fail' | 'memoryBytes'>,
  ): Promise<CommonOwner>
}

export interface CommonOwner {
  /** For one service: what its shared state gets as `common`. */
  connect(): MessagePort
  /** After the services have ended. Everything acknowledged is on disk when this resolves. */
  close(): Promise<void>
}

/** A protocol author writes one of these, and one line in `protocols/index.ts`. */
export interface ProtocolDefinition<S extends OptionSpecs = OptionSpecs, C extends string = string> {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  readonly defaultPort: number
  /** Its clients send passwords, which do not travel between machines in plain text unless the operator insists. */
  readonly secrets?: true
  /**
   * What its operator can type besides the commands of every server, by the first word. One that every server has too is given
   * what that one has no use for: `kick` a name, `clear` what is not the log.
   */
  operatorCommands?(): Promise<Readonly<Record<string, ServiceCommand>>>
  /** Options of this protocol only; the common ones come by themselves. */
  readonly options: S
  /** Names of the message channels between the shared state and each thread that serves clients. */
  readonly channels?: readonly C[]
  /** Finds out what its options leave open, such as a secret in a file. @throws {UsageError, StorageError} */
  completeOptions?(options: Values<S>, services: OptionServices): Promise<Values<S>>
  /**
   * Opens the files of the shared state and closes them again, in the main thread while others start, so that the port need
   * not wait for the threads that will keep them.
   * @throws {NetlabError} when the server can't start, e.g. because a file can't be read or is in use.
   */
  preflight?(options: Values<S>, services: PreflightServices): Promise<Preflight>
  /** What it may share with other services of its process. Alone, it opens that with its shared state. */
  readonly common?: CommonState
  /** Opens the state of the whole server. @throws {NetlabError} and the server does not start, or stops. */
  openSharedState?(options: Values<S>, services: SharedStateServices): SharedState<C> | Promise<SharedState<C>>
  create(options: Values<S>, services: ProtocolServices<C>): Protocol | Promise<Protocol>
}

/** Checks a definition and keeps the types of its options. */
export function defineProtocol<const S extends OptionSpecs = Record<never, never>, const C extends string = never>(
  definition: Omit<ProtocolDefinition<S, C>, 'options'> & { readonly options?: S },
): ProtocolDefinition<S, C> {
  return { ...definition, options: definition.options ?? ({} as S) }
}
