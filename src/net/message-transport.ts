import type { Clock, Timer } from '../base/clock.ts'
import { type NetlabError, ProtocolError } from '../base/errors.ts'
import { Fifo } from '../base/fifo.ts'
import type { Decoder } from './codec.ts'
import { type Dialect, type Framing, sniffDialect } from './dialect.ts'
import { httpMethod, httpRefusal } from './foreign-protocol.ts'
import { encodeFrames, FrameDecoder } from './frame-codec.ts'
import { netLimits } from './limits.ts'
import { LineDecoder } from './line-codec.ts'

/** The socket below a transport, or whatever carries its bytes. */
export interface ByteCarrier {
  /** False: it takes less than it is given. */
  write(bytes: Buffer): boolean
  pause(): void
  resume(): void
  /** Puts off a write, so that messages until then share it. Without it each is written at once. */
  defer?(write: () => void): void
}

export interface TransportOptions {
  readonly framing: Framing
  /** Only `auto` looks at it. */
  readonly clock: Clock
  /** The largest payload of a frame, for both directions. */
  readonly maxFrameBytes?: number
}

/** What a person sees whose browser came here. */
const httpSentence = 'This is a netlab server, not a web server. Talk to it with "netlab connect HOST PORT".'

/**
 * Bytes in, messages out, and back: finds the dialect, cuts frames or lines, holds what nobody has taken yet. A peer whose first
 * line is an HTTP request is told so in HTTP, and nothing of it is delivered.
 */
export class MessageTransport {
  readonly #carrier: ByteCarrier
  /** The largest payload of a frame, for both directions. */
  readonly maxFrameBytes: number
  #dialect: Dialect | undefined
  readonly #known = Promise.withResolvers<Dialect>()
  readonly #silence: Timer | undefined
  #decoder: Decoder<Buffer | string> | undefined
  readonly #inbox = new Fifo<string>()
  #inboxBytes = 0
  readonly #waiting: PromiseWithResolvers<string | undefined>[] = []
  #ended = false
  /** What came can be no message, nor can anything after it; or nothing more can come. */
  #fault: NetlabError | undefined
  /** The method of an HTTP request that was the first line. */
  #http: string | undefined
  #firstLine = true
  #outbox: (string | Uint8Array)[] = []
  #flushing = false

  constructor({ framing, clock, maxFrameBytes = netLimits.frameBytes }: TransportOptions, carrier: ByteCarrier) {
    this.#carrier = carrier
    this.maxFrameBytes = maxFrameBytes
    if (framing !== 'auto') this.#speak(framing)
    else {
      // On a busy machine the time may be up before bytes that are there are read: those have the first word.
      const silent = () => setImmediate(() => this.#speak('text'))
      this.#silence = clock.after(netLimits.dialectMs, silent, { background: true })
    }
    // Not everybody asks.
    this.#known.promise.catch(() => undefined)
  }

  /** Messages wait to be taken: reading should pause. */
  get full(): boolean {
    return (
      this.#fault !== undefined || this.#inbox.size >= netLimits.inboxCount || this.#inboxBytes >= netLimits.inboxBytes
    )
  }

  /** What `receive` rejects with is known. */
  get failed(): boolean {
    return this.#fault !== undefined
  }

  /** Rejects with a ProtocolError when the peer turns out to speak neither. */
  dialect(): Promise<Dialect> {
    return this.#known.promise
  }

  push(chunk: Buffer): void {
    if (this.#fault !== undefined) return
    if (this.#decoder === undefined) {
      // Lines are spoken from the first whole one on, or after a silence: until then it may be a request, to be answered in HTTP.
      if (sniffDialect(chunk[0]) === 'frames') this.#speak('frames')
      else this.#decoder = new LineDecoder()
    }
    this.#take((decoder) => decoder.push(chunk))
    if (this.full) this.#carrier.pause()
  }

  /** The peer sent its last byte. */
  end(): void {
    if (this.#fault !== undefined) return
    this.#take((decoder) => decoder.end())
    if (this.#fault !== undefined) return
    this.#speak('text')
    this.#finish()
  }

  /** The stream broke: `receive` rejects with `error` once everything before it has been taken. */
  fail(error: NetlabError): void {
    if (this.#ended) return
    if (this.#http === undefined) this.#speak('text')
    else this.#known.reject(error)
    this.#fault ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#fault)
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
   * The next message, or `undefined` after the last. Several calls are answered in order. Rejects with a ProtocolError once
   * everything in front of bytes that can be no message has been taken, or with what `fail` was given.
   */
  receive(): Promise<string | undefined> {
    const wasFull = this.full
    const message = this.#inbox.shift()
    if (message !== undefined) {
      this.#inboxBytes -= message.length
      if (wasFull && !this.full) this.#carrier.resume()
      return Promise.resolve(message)
    }
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    if (this.#ended) return Promise.resolve(undefined)
    const waiting = Promise.withResolvers<string | undefined>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /**
   * Sends each as one frame or line, once the dialect is known. False when the carrier takes less than it is given.
   * @throws {RangeError} for a payload above the limit, before anything is written; of deferred ones when they are written.
   */
  send(...messages: readonly (string | Uint8Array)[]): boolean {
    this.#outbox.push(...messages)
    if (this.#flushing || this.#dialect === undefined) return true
    if (this.#carrier.defer === undefined) return this.flush()
    this.#flushing = true
    this.#carrier.defer(() => this.flush())
    return true
  }

  /** Tells a person why the conversation ends. A program hears it from the protocol, in one of its own messages. */
  explain(why: string): void {
    if (this.#http !== undefined) {
      this.#outbox = []
      this.#carrier.write(Buffer.from(httpRefusal(this.#http, httpSentence)))
    } else if (this.#dialect === 'text') this.send(`netlab: ${why}`)
  }

  flush(): boolean {
    this.#flushing = false
    if (this.#outbox.length === 0) return true
    const messages = this.#outbox
    this.#outbox = []
    return this.#carrier.write(
      this.#dialect === 'frames'
        ? encodeFrames(messages, this.maxFrameBytes)
        : Buffer.from(`${messages.map(String).join('\n')}\n`),
    )
  }

  #speak(dialect: Dialect): void {
    if (this.#dialect !== undefined) return
    this.#silence?.cancel()
    this.#dialect = dialect
    this.#decoder ??= dialect === 'frames' ? new FrameDecoder(this.maxFrameBytes) : new LineDecoder()
    this.#known.resolve(dialect)
    this.flush()
  }

  /** Messages in front of a fault still count. */
  #take(decode: (decoder: Decoder<Buffer | string>) => Iterable<Buffer | string>): void {
    try {
      if (this.#decoder !== undefined) this.#deliver(decode(this.#decoder))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.fail(error)
    }
  }

  #deliver(messages: Iterable<Buffer | string>): void {
    for (const message of messages) {
      const text = typeof message === 'string' ? message : message.toString('utf8')
      if (this.#firstLine && this.#dialect !== 'frames') this.#first(text)
      const waiting = this.#waiting.shift()
      if (waiting !== undefined) waiting.resolve(text)
      else {
        this.#inbox.push(text)
        this.#inboxBytes += text.length
      }
    }
  }

  /** @throws {ProtocolError} for an HTTP request */
  #first(line: string): void {
    this.#firstLine = false
    this.#http = httpMethod(line)
    if (this.#http !== undefined) throw new ProtocolError('HTTP', 'an HTTP request')
    this.#speak('text')
  }

  #finish(): void {
    this.#ended = true
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
  }
}
