import type { DisconnectReason, NetlabEvent, Peer } from '../base/events.ts'
import type { Dialect } from './dialect.ts'

/** What a protocol does with raw bytes. */
export interface ByteReader {
  /** How many bytes one read takes at most. */
  readonly portionBytes: number
  /** Good until this returns, and longer once given to `Session.write`: a stream's next read may land in the same place. */
  chunk(bytes: Buffer): void
  /** The peer sent its last byte (FIN). Answers may still be written. */
  end(): void
}

/**
 * One conversation with one client, as a protocol sees it: no socket, no thread, no log.
 * A protocol either reads bytes (`bytes`) or messages (`receive`), not both.
 */
export interface Session {
  /** Numbers the connection within its server, from 1. */
  readonly id: number
  readonly peer: Peer
  /** Aborted when the conversation is over, whoever ended it. */
  readonly signal: AbortSignal
  /** Nobody between the two ends can read along: TLS, or the same machine. */
  readonly secure: boolean
  /** Whom the protocol found the client to be, for the operator; undefined as long as that is not known. */
  userName?: string | undefined
  /** The server speaks TLS on the same port. */
  readonly offersTls: boolean
  /** Who has been silent for so long is asked whether it is still there, where the protocol has a question for that (see `ping`). */
  readonly pingMs: number

  /** Reads raw bytes from now on. Reading pauses by itself while the peer does not take what was written. */
  bytes(reader: ByteReader): void
  /** Queues raw bytes. The caller must not change them afterwards. */
  write(bytes: Uint8Array): void
  /** Bytes that were written and not yet taken by the system. */
  readonly queuedBytes: number

  /** How the peer talks; known after its first byte, or `netLimits.dialectMs` of silence, which means text. */
  dialect(): Promise<Dialect>
  /**
   * The longest message that is taken from the peer: the payload of a frame, or a line with its end. It is short for a peer that
   * nobody knows (`netLimits.firstMessageBytes`), since whoever comes can make the server hold that much; a protocol raises it.
   */
  maxMessageBytes: number
  /**
   * The next message: the payload of a frame or a line without its end. `undefined` when the peer has sent its last.
   * Rejects with a ProtocolError when what comes next can be none, such as a frame above the limit; a protocol that lets
   * it pass ends the conversation. Whoever speaks text is told why by the core, whoever speaks frames by the protocol.
   */
  receive(): Promise<string | undefined>
  /** Sends one frame or one line, as the dialect asks. */
  send(text: string): void
  /**
   * The peer has promised to answer `question`, a whole frame, whatever else goes on. It is asked when it is silent from now on,
   * and when two questions stay without an answer the conversation ends with `no-answer`. Peers that have promised nothing are
   * judged by their TCP. Neither question nor answer is activity.
   */
  ping(question: Uint8Array): void

  /** Ends the conversation once everything written is on its way: FIN, then a short wait for the peer's. */
  end(reason: DisconnectReason, detail?: string): void
  /**
   * Asks for the end of the whole server. The sentence says why not; `undefined` means it stops.
   * @param foreign what the peer's words so far looked like besides this protocol (see `ForeignProtocolWatch`): then it is refused
   */
  requestStop(foreign?: string): string | undefined
  /** Puts an event of the protocol into the log. */
  record(event: NetlabEvent): void
}
