/** The room everybody lands in. */
export const lobby = 'lobby'

/** What somebody said in a room. Immutable once it has its id. */
export interface ChatMessage {
  readonly type: 'message'
  /** From the one sequencer: increasing over all rooms and over restarts. */
  readonly id: number
  /** UTC milliseconds since 1970 by the server's clock, which may be set back: ids give the order. */
  readonly at: number
  /** Without the `#`. */
  readonly room: string
  readonly from: string
  readonly text: string
  /** The sending client's own id of the message; a resend with the same one is recognised. */
  readonly cid?: string | undefined
  /** Said with /me. */
  readonly action?: boolean
  /** Said by an operator. */
  readonly operator?: boolean
  /** The disk could not take it: it is gone when the server stops. */
  readonly unstored?: boolean
}

/** Which part of a room's history: the last N, or those before or after an id, oldest first. */
export type HistoryRange =
  | { readonly last: number }
  | { readonly before: number; readonly limit?: number }
  | { readonly after: number; readonly limit?: number }

export interface HistoryPage {
  /** Ascending by id. */
  readonly messages: readonly ChatMessage[]
  /** More of the range exists: older ones for `last` and `before`, newer ones for `after`. */
  readonly more: boolean
}

/** A client's own mark of a request, which every answer to it carries. */
export type Ref = string | number

export interface Attendee {
  readonly name: string
  readonly operator?: boolean
  /** The text given with /away. */
  readonly away?: string
  readonly muted?: boolean
  /** Where the connections come from; operators only are told. */
  readonly addresses?: readonly string[]
}

/** Why a request was not carried out. Stable: programs decide by it. */
export type ChatRefusalCode =
  | 'BAD_MESSAGE'
  | 'UNKNOWN_COMMAND'
  | 'USAGE'
  | 'EMPTY'
  | 'TOO_LONG'
  | 'BAD_ROOM'
  | 'BAD_NAME'
  | 'NO_ROOM'
  | 'NOT_IN_ROOM'
  | 'NOT_HERE'
  | 'NO_PERSON'
  | 'NOT_OPERATOR'
  | 'BANNED'
  | 'MUTED'
  | 'TOO_MANY'
  | 'CID_REUSED'
  | 'HISTORY'

/** Everything the server says in a chat, after the login. An answer carries the `ref` of its request, if that had one. */
export type ChatServerMessage = ChatNews & { readonly ref?: Ref | undefined }

type ChatNews =
  | ChatMessage
  | {
      readonly type: 'private'
      readonly id: number
      readonly at: number
      readonly from: string
      readonly to: string
      /** Said by an operator. */
      readonly operator?: boolean
      readonly text: string
      readonly cid?: string | undefined
    }
  | {
      readonly type: 'joined'
      readonly room: string
      readonly topic: string
      readonly members: number
      /** Of the run of the server that ids belong to; none where no history is kept. */
      readonly epoch?: string
      /** To who came back with ids of another history: what is to be taken for the last one seen in this room. */
      readonly known?: number
    }
  | ({ readonly type: 'history'; readonly room: string } & HistoryPage)
  | {
      readonly type: 'left'
      readonly room: string
      readonly why: 'left' | 'kicked' | 'banned'
      readonly by?: string
      readonly reason?: string | undefined
      /** Where a text without a room goes from now on; null in no room. */
      readonly current?: string | null
    }
  /** What an operator did to somebody: the answer to it, and news to the person, to whom it says `you`. */
  | {
      readonly type: 'moderated'
      readonly action: 'kick' | 'ban' | 'mute' | 'op'
      /** Not for `op`. */
      readonly room?: string
      readonly name: string
      readonly by: string
      /** It was taken back. */
      readonly off: boolean
      readonly you?: true
    }
  /** The answer to a request with a `ref` whose outcome goes to others too. */
  | { readonly type: 'done'; readonly request: string; readonly id?: number }
  | {
      readonly type: 'presence'
      readonly room: string
      readonly joined: readonly string[]
      readonly left: readonly string[]
      /** How many more came or went than are named. */
      readonly unnamed: number
      readonly members: number
    }
  /** The operator of the server gave a member another name. */
  | { readonly type: 'renamed'; readonly room: string; readonly old: string; readonly name: string }
  | { readonly type: 'topic'; readonly room: string; readonly topic: string; readonly by: string }
  | {
      readonly type: 'rooms'
      readonly rooms: readonly { readonly room: string; readonly members: number; readonly topic: string }[]
    }
  | { readonly type: 'who'; readonly room: string; readonly names: readonly Attendee[]; readonly members: number }
  | {
      readonly type: 'help'
      readonly commands: readonly { readonly usage: string; readonly summary: string }[]
    }
  | { readonly type: 'notice'; readonly text: string }
  | {
      readonly type: 'error'
      readonly code: ChatRefusalCode
      readonly text: string
      /** The type of what was refused, and the room that it was about, if that is known. */
      readonly request?: string | undefined
      readonly room?: string | undefined
      /** Of the request that was refused. */
      readonly cid?: string | undefined
    }
  | { readonly type: 'pong' }
  /** `message` is the sentence for a person. */
  | { readonly type: 'bye'; readonly reason: ByeReason; readonly message: string }

/** Why the chat ends a conversation: it was asked to, or the member has connected too many times, or sent what can't be understood. */
export type ByeReason = 'exit' | 'replaced' | 'protocol'

/** A request that will not be carried out: told to the one who asked, and nothing else happens. */
export class ChatRefusal extends Error {
  readonly code: ChatRefusalCode

  constructor(code: ChatRefusalCode, sentence: string) {
    super(sentence)
    this.name = 'ChatRefusal'
    this.code = code
  }
}
