import { NetlabError, ProtocolError } from '../../base/errors.ts'
import { frameHeaderBytes } from '../../net/frame-codec.ts'
import type { Connection } from './connection.ts'

/** What the server said: an object with a `type`; the rest is to be looked at before it is believed. */
export interface Message {
  readonly type: string
  readonly [field: string]: unknown
}

/** A connection as messages, one JSON object a frame (docs/protocol.md). */
export class Channel {
  readonly connection: Connection
  readonly #signal: AbortSignal
  readonly #abort: () => void
  #next: Promise<Message | undefined> | undefined

  /** An abort of `signal` ends the connection, and every wait with the signal's reason. */
  constructor(connection: Connection, signal: AbortSignal) {
    this.connection = connection
    this.#signal = signal
    this.#abort = () => void connection.socket.destroy()
    signal.addEventListener('abort', this.#abort)
    if (signal.aborted) this.#abort()
  }

  /** Nothing is sent when the connection takes nothing any more. */
  send(message: Message): void {
    const payload = Buffer.from(JSON.stringify(message))
    const { socket, talk } = this.connection
    if (!socket.writable) return
    socket.send(payload)
    talk.sent(frameHeaderBytes + payload.length)
  }

  /** Says that no more will be sent. */
  end(): void {
    this.connection.socket.end()
  }

  /**
   * The next message; undefined at the end. Rejects with NetworkError when the connection broke, with ProtocolError for
   * what is no message.
   */
  async receive(): Promise<Message | undefined> {
    const next = this.peek()
    this.#next = undefined
    return next
  }

  /** The same, and it stays the next one. */
  peek(): Promise<Message | undefined> {
    if (this.#next === undefined) {
      this.#next = this.#read()
      // Whoever takes it hears of its failure; nobody else has to.
      this.#next.catch(() => undefined)
    }
    return this.#next
  }

  /** Closes for good. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#abort)
    this.connection.socket.destroy()
  }

  async #read(): Promise<Message | undefined> {
    try {
      const frame = await this.connection.socket.receiveBytes()
      this.#signal.throwIfAborted()
      if (frame === undefined) return undefined
      this.connection.talk.received(frameHeaderBytes + frame.length)
      return parse(frame.toString('utf8'))
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason
      throw error instanceof NetlabError ? error : this.connection.describe(error)
    }
  }
}

function parse(text: string): Message {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string') {
      return value as Message
    }
  } catch {
    // Told below.
  }
  throw nonsense()
}

export function nonsense(cause?: unknown): ProtocolError {
  return new ProtocolError('BAD_MESSAGE', 'the server sent a message that makes no sense', {
    hint: 'it may not be a netlab server, or a newer one: --framing text talks to it in lines',
    cause,
  })
}
