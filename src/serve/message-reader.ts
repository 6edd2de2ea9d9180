import type { Clock, Timer } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import { Fifo } from '../base/fifo.ts'
import type { Decoder } from '../net/codec.ts'
import { type Dialect, type Framing, sniffDialect } from '../net/dialect.ts'
import { encodeFrames, FrameDecoder } from '../net/frame-codec.ts'
import { netLimits } from '../net/limits.ts'
import { LineDecoder } from '../net/line-codec.ts'

/** What the reader does to its socket. */
export interface MessageSocket {
  write(bytes: Buffer): void
  pause(): void
  resume(): void
}

const decoders: Readonly<Record<Dialect, () => Decoder<Buffer | string>>> = {
  frames: () => new FrameDecoder(),
  text: () => new LineDecoder(),
}

/** Bytes in, messages out, and back: finds the dialect, cuts frames or lines, holds what the protocol hasn't taken yet. */
export class MessageReader {
  readonly #socket: MessageSocket
  #dialect: Dialect | undefined
  readonly #known = Promise.withResolvers<Dialect>()
  readonly #silence: Timer | undefined
  #decoder: Decoder<Buffer | string> | undefined
  readonly #inbox = new Fifo<string>()
  #inboxBytes = 0
  #waiting: PromiseWithResolvers<string | undefined> | undefined
  #ended = false
  /** What came can be no message, nor can anything after it. */
  #fault: ProtocolError | undefined
  #outbox: string[] = []
  #flushing = false

  constructor(framing: Framing, clock: Clock, socket: MessageSocket) {
    this.#socket = socket
    if (framing !== 'auto') this.#speak(framing)
    else {
      // On a busy machine the time may be up before bytes that are there are read: those have the first word.
      const silent = () => setImmediate(() => this.#speak('text'))
      this.#silence = clock.after(netLimits.dialectMs, silent, { background: true })
    }
  }

  /** Messages wait to be taken: reading should pause. */
  get full(): boolean {
    return (
      this.#fault !== undefined || this.#inbox.size >= netLimits.inboxCount || this.#inboxBytes >= netLimits.inboxBytes
    )
  }

  dialect(): Promise<Dialect> {
    return this.#known.promise
  }

  push(chunk: Buffer): void {
    if (this.#fault !== undefined) return
    if (this.#dialect === undefined) this.#speak(sniffDialect(chunk[0]) === 'frames' ? 'frames' : 'text')
    this.#take((decoder) => decoder.push(chunk))
    if (this.full) this.#socket.pause()
  }

  /** The peer sent its last byte. */
  end(): void {
    if (this.#fault !== undefined) return
    if (this.#dialect === undefined) this.#speak('text')
    this.#take((decoder) => decoder.end())
    if (this.#fault === undefined) this.#finish()
  }

  /** The conversation is over: nothing more is received, and what was sent goes out now. */
  close(): void {
    this.#silence?.cancel()
    this.#known.resolve(this.#dialect ?? 'text')
    this.flush()
    this.#fault = undefined
    this.#finish()
  }

  /**
   * The next message, or `undefined` after the last. One call at a time. Rejects with a ProtocolError once everything in
   * front of bytes that can be no message has been taken.
   */
  receive(): Promise<string | undefined> {
    const wasFull = this.full
    const message = this.#inbox.shift()
    if (message !== undefined) {
      this.#inboxBytes -= message.length
      if (wasFull && !this.full) this.#socket.resume()
      return Promise.resolve(message)
    }
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    if (this.#ended) return Promise.resolve(undefined)
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  /** Sends one frame or line. All of a turn of the loop go in one write. */
  send(text: string): void {
    this.#outbox.push(text)
    if (this.#flushing || this.#dialect === undefined) return
    this.#flushing = true
    setImmediate(() => this.flush())
  }

  /** Tells a person why the conversation ends. A program hears it from the protocol, in one of its own messages. */
  explain(why: string): void {
    if (this.#dialect === 'text') this.send(`netlab: ${why}`)
  }

  flush(): void {
    this.#flushing = false
    if (this.#outbox.length === 0) return
    const messages = this.#outbox
    this.#outbox = []
    const wire = this.#dialect === 'frames' ? encodeFrames(messages) : Buffer.from(`${messages.join('\n')}\n`)
    this.#socket.write(wire)
  }

  #speak(dialect: Dialect): void {
    if (this.#dialect !== undefined) return
    this.#silence?.cancel()
    this.#dialect = dialect
    this.#decoder = decoders[dialect]()
    this.#known.resolve(dialect)
    this.flush()
  }

  /** Messages in front of a fault still count. */
  #take(decode: (decoder: Decoder<Buffer | string>) => Iterable<Buffer | string>): void {
    try {
      if (this.#decoder !== undefined) this.#deliver(decode(this.#decoder))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#fault = error
      this.#waiting?.reject(error)
      this.#waiting = undefined
    }
  }

  #deliver(messages: Iterable<Buffer | string>): void {
    for (const message of messages) {
      const text = typeof message === 'string' ? message : message.toString('utf8')
      if (this.#waiting !== undefined) {
        const { resolve } = this.#waiting
        this.#waiting = undefined
        resolve(text)
      } else {
        this.#inbox.push(text)
        this.#inboxBytes += text.length
      }
    }
  }

  #finish(): void {
    this.#ended = true
    this.#waiting?.resolve(undefined)
    this.#waiting = undefined
  }
}
