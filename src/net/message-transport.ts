import type { Clock, Timer } from '../base/clock.ts'
import { type NetlabError, ProtocolError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type BoundedDecoder, Gather } from './codec.ts'
import { type Dialect, type Framing, sniffDialect, tlsRefusal } from './dialect.ts'
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

/** What follows the bytes that came: the peer's FIN, nothing any more, or an error. */
type Rest = 'end' | 'nothing' | NetlabError

/**
 * Bytes in, messages out, and back: finds the dialect, cuts frames or lines. What nobody has asked for yet is kept as the bytes
 * that came: decoded, short messages would take many times as much. A peer whose first line is an HTTP request is told so in
 * HTTP, one that begins with a TLS handshake in TLS, and nothing of it is delivered.
 */
export class MessageTransport {
  readonly #carrier: ByteCarrier
  readonly #maxFrameBytes: number
  #maxMessageBytes: number
  #dialect: Dialect | undefined
  readonly #known = Promise.withResolvers<Dialect>()
  readonly #silence: Timer | undefined
  #decoder: BoundedDecoder<Buffer | string> | undefined
  /** The bytes that are being decoded, as far as somebody asked, and how many they are. */
  #decoding: Iterator<Buffer | string> | undefined
  #decodingBytes = 0
  /** What came after them. */
  readonly #unread = new Gather()
  #rest: Rest | undefined
  readonly #waiting: PromiseWithResolvers<string | undefined>[] = []
  #ended = false
  /** What came can be no message, nor can anything after it; or nothing more can come. */
  #fault: NetlabError | undefined
  /** What a peer hears in its own protocol, if that is none of ours. */
  #foreignAnswer: Uint8Array | undefined
  /** The first line as far as it came; undefined once it is known to be ours. */
  #firstLine: string | undefined = ''
  #outbox: (string | Uint8Array)[] = []
  #flushing = false

  constructor({ framing, clock, maxFrameBytes = netLimits.frameBytes }: TransportOptions, carrier: ByteCarrier) {
    this.#carrier = carrier
    this.#maxFrameBytes = maxFrameBytes
    this.#maxMessageBytes = maxFrameBytes
    if (framing !== 'auto') this.#speak(framing)
    else {
      // On a busy machine the time may be up before bytes that are there are read: those have the first word.
      const silent = () => setImmediate(() => this.#speak('text'))
      this.#silence = clock.after(netLimits.dialectMs, silent, { background: true })
    }
    // Not everybody asks.
    this.#known.promise.catch(() => undefined)
  }

  /** The longest message that may come: the payload of a frame, or a line with its end, which `limits.lineBytes` bounds too. */
  get maxMessageBytes(): number {
    return this.#maxMessageBytes
  }

  /** Holds for messages that nobody has asked for yet. */
  set maxMessageBytes(bytes: number) {
    const wasFull = this.full
    this.#maxMessageBytes = Math.min(bytes, this.#maxFrameBytes)
    if (this.#decoder !== undefined) this.#decoder.maxBytes = this.#maxBytes()
    if (wasFull && !this.full) this.#carrier.resume()
  }

  /** Messages wait to be taken: reading should pause. */
  get full(): boolean {
    const enough = Math.min(netLimits.inboxBytes, this.#maxMessageBytes)
    return this.#fault !== undefined || this.#decodingBytes + this.#unread.length >= enough
  }

  /** The memory that unfinished messages, and those that nobody has taken, take. */
  get heldBytes(): number {
    return this.#decodingBytes + this.#unread.heldBytes + (this.#decoder?.heldBytes ?? 0)
  }

  /** Something has come that nobody has received, if only part of a message. */
  get hasRest(): boolean {
    return this.#unread.length > 0 || this.#decodingBytes > 0 || (this.#decoder?.pendingBytes ?? 0) > 0
  }

  /** The bytes of a line or frame that somebody waits for, and whose end has not come. */
  get unfinished(): { readonly dialect: Dialect; readonly bytes: number } | undefined {
    const bytes = this.#decoder?.pendingBytes ?? 0
    if (this.#dialect === undefined || this.#waiting.length === 0 || bytes === 0) return undefined
    return { dialect: this.#dialect, bytes }
  }

  /** Nothing can come any more, and `receive` will tell why. */
  get failed(): boolean {
    return this.#fault !== undefined || (this.#rest !== undefined && typeof this.#rest !== 'string')
  }

  /** Rejects with a ProtocolError when the peer turns out to speak neither. */
  dialect(): Promise<Dialect> {
    return this.#known.promise
  }

  push(chunk: Buffer): void {
    if (this.#fault !== undefined || this.#rest !== undefined) return
    if (this.#firstLine !== undefined) this.#lookAtFirstLine(chunk)
    if (this.#fault !== undefined) return
    if (this.#decoder !== undefined && this.#decoding === undefined && this.#unread.length === 0) this.#decode(chunk)
    else this.#unread.append(chunk, Number.POSITIVE_INFINITY)
    this.#deliver()
    if (this.full) this.#carrier.pause()
  }

  /** The peer sent its last byte. */
  end(): void {
    this.#judgeFirstLine()
    this.#finish('end')
  }

  /** The stream broke: `receive` rejects with `error` once everything before it has been taken. */
  fail(error: NetlabError): void {
    this.#finish(error)
  }

  /** The conversation is over: nothing more comes, no fault is told any more, and what was sent goes out now. */
  close(): void {
    this.#silence?.cancel()
    this.#known.resolve(this.#dialect ?? 'text')
    this.flush()
    this.#fault = undefined
    if (this.failed) this.#rest = 'nothing'
    this.#finish('nothing')
  }

  /** The connection is gone, and nobody receives any more: what was held is free now. */
  discard(): void {
    this.close()
    this.#decoding = undefined
    this.#decodingBytes = 0
    this.#unread.clear()
    this.#decoder?.clear()
    this.#ended = true
    this.#deliver()
  }

  /**
   * The next message, or `undefined` after the last. Several calls are answered in order. Rejects with a ProtocolError once
   * everything in front of bytes that can be no message has been taken, or with what `fail` was given.
   */
  receive(): Promise<string | undefined> {
    const wasFull = this.full
    const message = this.#waiting.length === 0 ? this.#next() : undefined
    if (wasFull && !this.full) this.#carrier.resume()
    if (message !== undefined) return Promise.resolve(message)
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
    if (this.#foreignAnswer !== undefined) {
      this.#outbox = []
      this.#carrier.write(Buffer.from(this.#foreignAnswer))
    } else if (this.#dialect === 'text') this.send(`netlab: ${why}`)
  }

  flush(): boolean {
    this.#flushing = false
    if (this.#outbox.length === 0) return true
    const messages = this.#outbox
    this.#outbox = []
    return this.#carrier.write(
      this.#dialect === 'frames'
        ? encodeFrames(messages, this.#maxFrameBytes)
        : Buffer.from(`${messages.map(String).join('\n')}\n`),
    )
  }

  #speak(dialect: Dialect): void {
    if (this.#dialect !== undefined) return
    this.#silence?.cancel()
    this.#dialect = dialect
    this.#decoder = dialect === 'frames' ? new FrameDecoder() : new LineDecoder()
    this.#decoder.maxBytes = this.#maxBytes()
    this.#known.resolve(dialect)
    this.flush()
    this.#deliver()
  }

  /**
   * Frames are known by their first byte. Lines are spoken from the first whole one on, or after a silence: until then it may be
   * a request, to be answered in HTTP before anything else is sent.
   */
  #lookAtFirstLine(chunk: Buffer): void {
    if (this.#firstLine === '' && this.#dialect === undefined && sniffDialect(chunk[0]) === 'frames')
      this.#speak('frames')
    if (this.#dialect === 'frames') {
      this.#firstLine = undefined
      return
    }
    if (this.#firstLine === '' && sniffDialect(chunk[0]) === 'tls') {
      this.#refuse(new ProtocolError('TLS', 'a TLS handshake, and this server has no TLS'), tlsRefusal)
      return
    }
    // Empty lines may come before a request (RFC 9112, 2.2); where there is nothing else, they are somebody's words.
    const line = (this.#firstLine + chunk.toString('latin1', 0, netLimits.foreignLineBytes)).replace(/^(?:\r?\n)+/, '')
    this.#firstLine = line
    if (line === '') this.#speak('text')
    else if (line.includes('\n') || line.length >= netLimits.foreignLineBytes) this.#judgeFirstLine()
  }

  #judgeFirstLine(): void {
    const method = httpMethod(this.#firstLine ?? '')
    if (method === undefined) {
      this.#firstLine = undefined
      this.#speak('text')
    } else this.#refuse(new ProtocolError('HTTP', 'an HTTP request'), Buffer.from(httpRefusal(method, httpSentence)))
  }

  /** Nothing of what another protocol said is delivered. */
  #refuse(fault: ProtocolError, answer: Uint8Array): void {
    this.#firstLine = undefined
    this.#foreignAnswer = answer
    this.#silence?.cancel()
    this.#fault = fault
    this.#unread.clear()
    this.#known.reject(fault)
    this.#deliver()
  }

  #maxBytes(): number {
    return this.#dialect === 'text' ? Math.min(limits.lineBytes, this.#maxMessageBytes) : this.#maxMessageBytes
  }

  #finish(rest: Rest): void {
    this.#rest ??= rest
    this.#deliver()
  }

  /** Answers those who wait, as far as what came allows. */
  #deliver(): void {
    while (this.#waiting.length > 0) {
      const message = this.#next()
      if (message === undefined) break
      this.#waiting.shift()?.resolve(message)
    }
    if (this.#fault !== undefined) for (const { reject } of this.#waiting.splice(0)) reject(this.#fault)
    if (this.#ended) for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
  }

  /** The next message; `undefined` when none is whole yet, when there was a fault in front of it, or none can come. */
  #next(): string | undefined {
    try {
      while (this.#fault === undefined && (this.#decoding !== undefined || this.#goOn())) {
        const found = this.#decoding?.next()
        if (found?.done === false) return typeof found.value === 'string' ? found.value : found.value.toString('utf8')
        this.#decoding = undefined
        this.#decodingBytes = 0
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#fault = error
      this.#decoding = undefined
      this.#decodingBytes = 0
      this.#unread.clear()
    }
    return undefined
  }

  /** Begins with the next bytes, or with what follows them all. Returns whether there is something to decode. */
  #goOn(): boolean {
    if (this.#unread.length > 0) {
      // What came is kept until it is known how to read it.
      if (this.#decoder !== undefined) this.#decode(this.#unread.take())
    } else if (this.#rest === 'end') {
      this.#rest = 'nothing'
      this.#decoding = this.#decoder?.end()[Symbol.iterator]()
    } else if (this.#rest === 'nothing') this.#ended = true
    else if (this.#rest !== undefined) this.#fault = this.#rest
    return this.#decoding !== undefined
  }

  #decode(chunk: Buffer): void {
    this.#decoding = this.#decoder?.push(chunk)[Symbol.iterator]()
    this.#decodingBytes = chunk.length
  }
}
