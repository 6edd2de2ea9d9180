import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage, ProtocolError } from '../base/errors.ts'
import type { DisconnectReason, EventSink, NetlabEvent, Peer } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import type { AllowStop, Framing } from './config.ts'
import { MessageReader } from './message-reader.ts'
import type { ByteReader, Dialect, Session } from './session.ts'
import { type MovingSocket, openForReading, openOrdinary } from './socket-move.ts'
import { stopRefusal } from './stop-rule.ts'
import type { Entered } from './tls-entry.ts'

/** What a connection needs of the thread that serves it. */
export interface ConnectionHost {
  readonly clock: Clock
  readonly record: EventSink
  readonly framing: Framing
  readonly allowStop: AllowStop
  /** The thread's shared buffer for reads of this size. */
  readBuffer(bytes: number): Buffer
  /** Someone who may do so asked for the end of the server. */
  stopRequested(by: string): void
  /** Our FIN is sent or on its way; the connection wants to be looked at again (see `expire`). */
  closing(connection: Connection): void
  /** The socket is closed. */
  closed(connection: Connection): void
}

/** A client's connection in the thread that serves it: the session a protocol sees, over the socket it doesn't. */
export class Connection implements Session {
  readonly id: number
  readonly peer: Peer
  #secure: boolean
  receivedBytes = 0
  sentBytes = 0
  /** Monotonic time of the last byte in either direction. */
  activeMs: number
  readonly #openedMs: number
  readonly #host: ConnectionHost
  readonly #moving: MovingSocket
  #socket: Socket | undefined
  #reader: ByteReader | undefined
  #messages: MessageReader | undefined
  #reason: DisconnectReason | undefined
  #detail: string | undefined
  #closeByMs = Number.POSITIVE_INFINITY
  #abort: AbortController | undefined
  #draining = false
  #peerEnded = false

  constructor(id: number, peer: Peer, secure: boolean, moving: MovingSocket, host: ConnectionHost) {
    this.id = id
    this.peer = peer
    this.#secure = secure
    this.#moving = moving
    this.#host = host
    this.#openedMs = host.clock.monotonic()
    this.activeMs = this.#openedMs
  }

  get secure(): boolean {
    return this.#secure
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#reason !== undefined) this.#abort.abort()
    return this.#abort.signal
  }

  get queuedBytes(): number {
    return this.#socket?.writableLength ?? 0
  }

  /**
   * Lets the client in through TLS, before any protocol talks to it. Resolves with false when it may not go on.
   */
  async enter(unwrap: (plain: Socket) => Promise<Entered>): Promise<boolean> {
    const plain = this.#open()
    try {
      const { socket, encrypted } = await unwrap(plain)
      if (this.#reason !== undefined) return false
      this.#secure ||= encrypted
      if (socket !== plain) this.#follow(socket)
      return true
    } catch (error) {
      if (errorCode(error) === 'PLAINTEXT') plain.write(`netlab: ${errorMessage(error)}; use: netlab connect --tls\n`)
      this.fail(error)
      return false
    }
  }

  bytes(reader: ByteReader): void {
    this.#reader = reader
    if (this.#socket !== undefined) this.#read(this.#socket)
    else this.#openForReading(reader.portionBytes)
  }

  /** The socket, read through the thread's shared buffer: what passes through takes no memory of its own first. */
  #openForReading(portionBytes: number): Socket {
    const buffer = this.#host.readBuffer(portionBytes)
    const socket = openForReading(this.#moving, buffer, (chunk) => {
      this.#takeChunk(chunk)
      if (this.#reason !== undefined || !socket.writableNeedDrain) return true
      this.#resumeOnDrain(socket)
      return false
    })
    this.#follow(socket)
    this.#flow(socket)
    return socket
  }

  dialect(): Promise<Dialect> {
    return this.#messageReader().dialect()
  }

  receive(): Promise<string | undefined> {
    return this.#messageReader().receive()
  }

  send(text: string): void {
    this.#messageReader().send(text)
  }

  write(bytes: Uint8Array): void {
    if (this.#reason !== undefined || bytes.length === 0) return
    const socket = this.#socket ?? this.#open()
    this.sentBytes += bytes.length
    this.#host.record({ type: 'sent', id: this.id, bytes: bytes.length })
    socket.write(bytes)
  }

  end(reason: DisconnectReason, detail?: string): void {
    if (this.#reason !== undefined) return
    const socket = this.#socket ?? this.#open()
    this.#messages?.close()
    this.#reason = reason
    this.#detail = detail
    this.#abort?.abort()
    // A protocol that waits for messages hears of the end by `receive`, not by its bytes: what the peer still sends is
    // read and dropped, because closing a socket with unread bytes makes TCP send a reset that can destroy our last ones.
    if (this.#peerEnded && socket.writableLength === 0) {
      // Nothing is on its way in either direction: our FIN closes the socket.
      socket.end()
      return
    }
    this.#closeByMs = this.#host.clock.monotonic() + limits.drainMs
    socket.end(() => {
      this.#closeByMs = Math.min(this.#closeByMs, this.#host.clock.monotonic() + limits.lingerMs)
    })
    socket.resume()
    this.#host.closing(this)
  }

  /** The protocol has nothing more to say. */
  done(): void {
    this.end(this.#peerEnded ? 'peer-closed' : 'exit')
  }

  /** Ends at once what should have ended by `nowMs`. Returns whether there is nothing left to wait for. */
  expire(nowMs: number): boolean {
    if (nowMs >= this.#closeByMs) this.destroy()
    return this.#socket?.destroyed === true
  }

  destroy(): void {
    this.#socket?.destroy()
  }

  requestStop(): string | undefined {
    const refusal = stopRefusal(this.#host.allowStop, this.peer)
    if (refusal !== undefined) {
      this.record({ type: 'stop-refused', id: this.id, peer: this.peer, rule: this.#host.allowStop })
      return refusal
    }
    this.#host.stopRequested(`client ${this.id}`)
    return undefined
  }

  record(event: NetlabEvent): void {
    this.#host.record(event)
  }

  #takeChunk(chunk: Buffer): void {
    this.activeMs = this.#host.clock.monotonic()
    // After the end nothing is kept of what still comes.
    if (this.#reason !== undefined) return
    this.receivedBytes += chunk.length
    this.#host.record({ type: 'received', id: this.id, bytes: chunk.length })
    try {
      if (this.#reader !== undefined) this.#reader.chunk(chunk)
      else this.#messages?.push(chunk)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The protocol's code threw, or the peer broke the protocol. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#messages?.complain(error.message)
      this.end('protocol-error', error.message)
    } else {
      const detail = error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)
      this.record({ type: 'fault', where: `client ${this.id}`, error: detail })
      this.end('fault')
    }
  }

  #messageReader(): MessageReader {
    if (this.#messages !== undefined) return this.#messages
    const known = this.#socket
    const socket = known ?? this.#openForReading(limits.readBytes)
    this.#messages = new MessageReader(this.#host.framing, this.#host.clock, {
      write: (bytes) => this.write(bytes),
      pause: () => socket.pause(),
      resume: () => {
        if (socket.writableNeedDrain) this.#resumeOnDrain(socket)
        else socket.resume()
      },
      fail: (error) => this.fail(error),
    })
    if (known !== undefined) this.#read(known)
    return this.#messages
  }

  #open(): Socket {
    const socket = openOrdinary(this.#moving)
    this.#follow(socket)
    return socket
  }

  /** The socket of this connection from now on. */
  #follow(socket: Socket): void {
    this.#socket = socket
    socket.on('error', (error) => {
      this.#reason ??= 'peer-reset'
      this.#detail ??= errorCode(error)
    })
    socket.on('close', () => {
      // Inside TLS there are two sockets; the outer one's end is the end.
      if (this.#socket === socket) this.#finish()
    })
  }

  #read(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#takeChunk(chunk)
      if (this.#reason !== undefined || !socket.writableNeedDrain) return
      socket.pause()
      this.#resumeOnDrain(socket)
    })
    this.#flow(socket)
  }

  #flow(socket: Socket): void {
    socket.on('end', () => this.#takeEnd())
    socket.resume()
  }

  /** Only while a reader is slow: most connections never need it. Once, whoever else pauses and resumes meanwhile. */
  #resumeOnDrain(socket: Socket): void {
    if (this.#draining) return
    this.#draining = true
    socket.once('drain', () => {
      this.#draining = false
      this.activeMs = this.#host.clock.monotonic()
      if (this.#messages?.full !== true) socket.resume()
    })
  }

  #takeEnd(): void {
    this.#peerEnded = true
    if (this.#reason !== undefined) return
    try {
      if (this.#reader !== undefined) this.#reader.end()
      else if (this.#messages !== undefined) this.#messages.end()
      else this.end('peer-closed')
    } catch (error) {
      this.fail(error)
    }
  }

  #finish(): void {
    const { id, peer } = this
    this.#messages?.close()
    this.#reason ??= 'peer-closed'
    this.#abort?.abort()
    this.#host.record({
      type: 'disconnected',
      id,
      peer,
      reason: this.#reason,
      ...(this.#detail !== undefined && { detail: this.#detail }),
      received: this.receivedBytes,
      sent: this.sentBytes,
      durationMs: Math.round(this.#host.clock.monotonic() - this.#openedMs),
    })
    this.#host.closed(this)
  }
}
