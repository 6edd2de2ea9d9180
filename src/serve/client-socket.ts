import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { MessageSocket } from '../net/framed-socket.ts'
import { netLimits } from '../net/limits.ts'
import type { MessageTransport } from '../net/message-transport.ts'
import type { ReadTcpState, TcpState } from '../net/tcp-state.ts'
import { serveLimits } from './limits.ts'
import { openForReading, openOrdinary, type TransferredSocket } from './socket-transfer.ts'

/** What a client's socket tells of what happens on it. */
export interface SocketOwner {
  readonly clock: Clock
  /** Reading stays paused, even when the peer takes what was written; `resume` ends that. */
  readonly full: boolean
  /** The server has little memory left for its clients. */
  readonly isShort: boolean
  /** It has plenty. */
  readonly isAmple: boolean
  /** Whether this turn of the thread's loop has lasted so long that each socket is read once in it. */
  isLongTurn(): boolean
  /** Runs the callback in the next turn of the loop. */
  nextTurn(callback: () => void): void
  /** The thread's shared buffer for reads of this size. */
  readBuffer(bytes: number): Buffer
  /** Bytes came; good until this returns, and longer once written to the same socket. */
  chunk(bytes: Buffer): void
  /** The memory that the socket takes has changed. */
  held(): void
  /** The peer took what it had kept waiting. */
  drained(): void
  /** The peer sent its last byte (FIN). */
  peerEnded(): void
  /** The connection broke; `closed` follows. */
  broken(code: string): void
  closed(): void
}

/** A client's socket in the thread that serves it, from its arrival to its close: opened when it is first needed, and in the way that fits. */
export class ClientSocket {
  readonly #transferred: TransferredSocket
  readonly #owner: SocketOwner
  #socket: MessageSocket | undefined
  #closing = false
  #closeByMs = Number.POSITIVE_INFINITY
  #draining = false
  #peerEnded = false
  #streamBytes = 0
  /** What may still come and be dropped. */
  #dropBytes = 0

  constructor(transferred: TransferredSocket, owner: SocketOwner) {
    this.#transferred = transferred
    this.#owner = owner
  }

  /** Bytes that were written and not yet taken by the system. */
  get queuedBytes(): number {
    return this.#socket?.writableLength ?? 0
  }

  /** Bytes that were read and put back, for TLS to begin with. */
  get unreadBytes(): number {
    return this.#socket?.readableLength ?? 0
  }

  /** The size of a buffer that only this client's stream is read into. */
  get streamBytes(): number {
    return this.#streamBytes
  }

  /** What the peer sends is read; not so while it takes nothing, or while there is no room for more. */
  get reading(): boolean {
    // A read that is answered with "no more" stops without a pause that the socket knows of.
    return this.#socket?.isPaused() === false && !this.#draining && !this.#owner.full
  }

  /** What the system knows of the connection. */
  tcpState(read: ReadTcpState): TcpState | undefined {
    return this.#socket === undefined ? undefined : read(this.#socket)
  }

  get peerHasEnded(): boolean {
    return this.#peerEnded
  }

  /** Opens it as an ordinary socket, paused, for a proxy's header and for TLS, who look at its first bytes. */
  open(): MessageSocket {
    if (this.#socket !== undefined) return this.#socket
    const socket = openOrdinary(this.#transferred)
    this.#follow(socket)
    return socket
  }

  /** Goes on with what TLS made of the socket. */
  replace(socket: MessageSocket): void {
    if (socket !== this.#socket) this.#follow(socket)
  }

  /** Ends it at once; what is queued is lost. */
  destroy(): void {
    const socket = this.#socket ?? this.open()
    socket.destroy()
  }

  /** Begins to read, at most `portionBytes` at a time. Reading pauses by itself while the peer does not take what was written. */
  read(portionBytes: number): void {
    const socket = this.#socket
    if (socket === undefined) {
      this.#openForReading(portionBytes)
      return
    }
    socket.on('data', (chunk: Buffer) => {
      if (!this.#take(socket, chunk)) socket.pause()
    })
    this.#flow(socket)
  }

  /** Begins to read messages: `messages` is to be given what comes as chunks. */
  speak(messages: MessageTransport): void {
    this.read(netLimits.messageReadBytes)
    this.#socket?.speak(messages)
  }

  /** As `Session.receive`, once the socket speaks. */
  receive(): Promise<string | undefined> {
    return this.#socket?.receive() ?? Promise.resolve(undefined)
  }

  /** As `Session.send`, once the socket speaks. */
  send(text: string): void {
    this.#socket?.send(text)
  }

  pause(): void {
    this.#socket?.pause()
  }

  /** Reads on, as soon as the peer takes what was written. */
  resume(): void {
    const socket = this.#socket
    if (socket === undefined) return
    if (socket.writableNeedDrain) this.#resumeOnDrain(socket)
    else if (!this.#owner.full) socket.resume()
  }

  write(bytes: Uint8Array): void {
    const socket = this.#socket ?? this.open()
    socket.write(bytes)
  }

  /**
   * Sends what was written and our FIN, then waits for the peer's for a short time. What the peer still sends is read and
   * dropped, because closing a socket with unread bytes makes TCP send a reset that can destroy our last ones.
   * Returns whether there is something to wait for, with a deadline that `expire` is to look at.
   * @param dropBytes who sends more than this is reset
   */
  close(dropBytes: number): boolean {
    const socket = this.#socket ?? this.open()
    this.#closing = true
    this.#dropBytes = dropBytes
    if (this.#peerEnded && socket.writableLength === 0) {
      // Nothing is on its way in either direction: our FIN closes the socket.
      socket.end()
      return false
    }
    const { clock } = this.#owner
    this.#closeByMs = clock.monotonic() + limits.drainMs
    socket.end(() => {
      this.#closeByMs = Math.min(this.#closeByMs, clock.monotonic() + serveLimits.lingerMs)
    })
    socket.resume()
    return true
  }

  /** Ends at once what should have ended by `nowMs`. Returns whether there is nothing left to wait for. */
  expire(nowMs: number): boolean {
    if (nowMs >= this.#closeByMs) this.#socket?.destroy()
    return this.#socket?.destroyed === true
  }

  /** Read through the thread's shared buffer: what passes through takes no memory of its own first. */
  #openForReading(portionBytes: number): void {
    const owner = this.#owner
    const buffer = owner.readBuffer(Math.min(portionBytes, serveLimits.streamReadBytes))
    const shortBytes = Math.min(portionBytes, serveLimits.shortReadBytes)
    const socket = openForReading(this.#transferred, {
      shared: () => {
        if (this.#closing) return owner.readBuffer(netLimits.readBytes)
        return owner.isShort ? owner.readBuffer(shortBytes) : buffer
      },
      streamBytes: () => (owner.isAmple ? portionBytes : 0),
      keeps: (bytes) => {
        this.#streamBytes = bytes
        owner.held()
      },
      isDropping: () => this.#closing,
      chunk: (chunk) => this.#take(socket, chunk),
    })
    this.#follow(socket)
    this.#flow(socket)
  }

  /** The socket of this connection from now on. */
  #follow(socket: MessageSocket): void {
    this.#socket = socket
    socket.on('error', (error) => this.#owner.broken(errorCode(error)))
    socket.on('close', () => {
      // Inside TLS there are two sockets; the outer one's end is the end.
      if (this.#socket === socket) this.#owner.closed()
    })
  }

  #flow(socket: MessageSocket): void {
    const end = (): void => {
      this.#peerEnded = true
      this.#owner.peerEnded()
    }
    // Who waited for the first byte, to know TLS from plain, may have met the end instead: it does not come again.
    if (socket.readableEnded) setImmediate(end)
    else socket.on('end', end)
    socket.resume()
  }

  /** Returns whether reading goes on. */
  #take(socket: MessageSocket, chunk: Buffer): boolean {
    const owner = this.#owner
    if (this.#closing) {
      this.#dropBytes -= chunk.length
      if (this.#dropBytes < 0) socket.destroy()
    }
    owner.chunk(chunk)
    // libuv reads a socket up to 32 times before it looks at the next one; what is dropped is in no hurry at all. Where little
    // came, nothing more is there.
    const isMuch = chunk.length >= serveLimits.uncountedBytes
    if (this.#closing || (isMuch && owner.isLongTurn() && !socket.writableNeedDrain)) {
      owner.nextTurn(() => {
        if (this.#closing || !owner.full) socket.resume()
      })
      return false
    }
    if (!socket.writableNeedDrain) return !owner.full
    this.#resumeOnDrain(socket)
    return false
  }

  /** One listener at most, and only while the peer reads slowly: most connections never need it. */
  #resumeOnDrain(socket: MessageSocket): void {
    if (this.#draining) return
    this.#draining = true
    socket.once('drain', () => {
      this.#draining = false
      this.#owner.drained()
      if (!this.#owner.full) socket.resume()
    })
  }
}
