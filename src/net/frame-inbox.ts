import type { Socket } from 'node:net'
import { errorCode, type NetlabError, NetworkError } from '../base/errors.ts'
import { connectError } from './connect-error.ts'
import { FrameDecoder } from './frame-codec.ts'

interface Waiter {
  resolve(frame: Buffer | undefined): void
  reject(error: unknown): void
}

/** How the stream of bytes ended: by the peer's FIN, by a close on our side, or broken. */
type End =
  | { readonly how: 'finished' }
  | { readonly how: 'closed' }
  | { readonly how: 'broken'; readonly error: unknown }

/**
 * The receiving half of a framed socket. Reads only while somebody waits for a frame, so that a peer that sends faster
 * than it is heard fills the kernel's buffers and not ours. Built on `read()` and 'readable', because leaving a
 * `for await` over a socket destroys it.
 */
export class FrameInbox {
  readonly #socket: Socket
  readonly #decoder: FrameDecoder
  readonly #waiters: Waiter[] = []
  #frames: Iterator<Buffer> = [].values()
  #reading = false
  #end: End | undefined

  /** Listens for 'error' from now on, so that a peer's reset never becomes an uncaught exception. */
  constructor(socket: Socket, maxBytes: number) {
    this.#socket = socket
    this.#decoder = new FrameDecoder(maxBytes)
    // Node remembers the peer's address once it was read; after a reset the system no longer tells.
    if (socket.remoteAddress === undefined) socket.once('connect', () => socket.remoteAddress)
    socket.on('error', (error) => this.#close({ how: 'broken', error: this.#describe(error) }))
    socket.once('end', () => this.#close({ how: 'finished' }))
    socket.once('close', () => this.#close(this.#closed()))
  }

  /**
   * The next frame, or undefined once the stream has ended. Calls are answered in order.
   * @throws {ProtocolError} after the last good frame; the connection is then destroyed.
   * @throws {NetworkError} when the connection broke.
   */
  next(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      if (!this.#reading) this.#start()
      this.#pump()
    })
  }

  #start(): void {
    this.#reading = true
    const { readableEnded, destroyed } = this.#socket
    if (readableEnded || destroyed) this.#close(this.#closed())
    else this.#socket.on('readable', () => this.#pump())
  }

  /** How a socket was closed that is: an error of one that was destroyed at once is no event. */
  #closed(): End {
    const { errored } = this.#socket
    return errored === null ? { how: 'closed' } : { how: 'broken', error: this.#describe(errored) }
  }

  #pump(): void {
    while (this.#waiters.length > 0) {
      try {
        const frame = this.#nextWhole()
        if (frame !== undefined) this.#waiters.shift()?.resolve(frame)
        else if (this.#end === undefined) return
        else if (this.#end.how === 'broken') this.#waiters.shift()?.reject(this.#end.error)
        else this.#waiters.shift()?.resolve(undefined)
      } catch (error) {
        this.#end = { how: 'broken', error }
        this.#frames = [].values()
        this.#socket.destroy()
      }
    }
  }

  /** A frame out of what has arrived, or undefined when there is none (yet). */
  #nextWhole(): Buffer | undefined {
    for (;;) {
      const step = this.#frames.next()
      if (step.done !== true) return step.value
      if (this.#end === undefined) {
        const chunk: Buffer | null = this.#socket.read()
        if (chunk === null) return undefined
        this.#frames = this.#decoder.push(chunk)
      } else {
        // 'end' may come while frames of the last chunk wait to be asked for, so the decoder hears of it here.
        if (this.#end.how === 'finished') this.#decoder.end()
        return undefined
      }
    }
  }

  #close(end: End): void {
    this.#end ??= end
    this.#pump()
  }

  #describe(error: unknown): NetlabError {
    const { remoteAddress, remotePort } = this.#socket
    if (remoteAddress !== undefined && remotePort !== undefined) return connectError(error, remoteAddress, remotePort)
    return new NetworkError(errorCode(error), `the connection broke (${errorCode(error)})`, { cause: error })
  }
}
