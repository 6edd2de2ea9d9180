import { connect, type Socket } from 'node:net'
import { type Clock, Deadline } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'

/** How the program ended its side: not at all, with FIN, or with RST. */
export type PeerEnd = 'no' | 'fin' | 'reset'

/**
 * A connection of ours to a program under check. All that came is kept in order; `mark` says from where on it counts.
 * We end with FIN after the answer was read; where the program closed first, with RST at last, so that its port is free at once
 * (no TIME_WAIT) and a program without SO_REUSEADDR can start again.
 */
export class Conversation {
  readonly #clock: Clock
  readonly #socket: Socket
  #received: Buffer[] = []
  #receivedBytes = 0
  #marked = 0
  #end: PeerEnd = 'no'
  #wake: (() => void) | undefined
  /** When the first byte since the mark came. */
  #firstMs: number | undefined
  #sentMs = 0

  private constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    socket.on('data', (chunk: Buffer) => {
      this.#firstMs ??= clock.monotonic()
      this.#received.push(chunk)
      this.#receivedBytes += chunk.length
      this.#wake?.()
    })
    socket.on('end', () => {
      if (this.#end === 'no') this.#end = 'fin'
      this.#wake?.()
    })
    socket.on('error', (error) => {
      // A write after the program's end fails with EPIPE; what it sent before is in hand already.
      if (errorCode(error) === 'ECONNRESET') this.#end = 'reset'
      this.#wake?.()
    })
    socket.on('close', () => {
      if (this.#end === 'no') this.#end = 'reset'
      this.#wake?.()
    })
  }

  /**
   * Connects to this machine's `port`. A system's code (ECONNREFUSED, ETIMEDOUT …) when that fails within `ms`.
   * `from` is the address to come from.
   */
  static async open(
    port: number,
    ms: number,
    clock: Clock,
    { host = '127.0.0.1', from }: { readonly host?: string; readonly from?: string } = {},
  ): Promise<Conversation | string> {
    const socket = connect({
      port,
      host,
      allowHalfOpen: true,
      noDelay: true,
      ...(from !== undefined && { localAddress: from }),
    })
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => settle('ETIMEDOUT'))
      const settle = (result: string | undefined): void => {
        timer.cancel()
        socket.removeAllListeners()
        if (result !== undefined) {
          socket.on('error', () => {
            // It is told already.
          })
          socket.destroy()
          resolve(result)
        } else resolve(new Conversation(socket, clock))
      }
      socket.once('connect', () => settle(undefined))
      socket.once('error', (error) => settle(errorCode(error)))
    })
  }

  /** What came since the mark. */
  get received(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)]
    return (this.#received[0] ?? Buffer.alloc(0)).subarray(this.#marked)
  }

  get receivedBytes(): number {
    return this.#receivedBytes - this.#marked
  }

  get end(): PeerEnd {
    return this.#end
  }

  /** From the last `send` to the first byte that came after the mark; undefined without one. */
  get answerMs(): number | undefined {
    return this.#firstMs === undefined ? undefined : this.#firstMs - this.#sentMs
  }

  /** Forgets what came so far. */
  mark(): void {
    this.#marked = this.#receivedBytes
    this.#firstMs = undefined
  }

  send(bytes: Uint8Array | string): void {
    this.#sentMs = this.#clock.monotonic()
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  /** Our FIN: no more input. */
  finish(): void {
    this.#sentMs = this.#clock.monotonic()
    if (this.#socket.writable) this.#socket.end()
  }

  /** Stops taking what comes, so that the program's sending comes to a halt. */
  stopReading(): void {
    this.#socket.pause()
  }

  /** Waits until `done` holds for what came: true; false when `ms` are over or the program has ended its side. */
  async until(done: () => boolean, ms: number): Promise<boolean> {
    const deadline = new Deadline(this.#clock, ms)
    while (!done()) {
      if (this.#end !== 'no' || deadline.passed) return false
      await this.#change(deadline.leftMs)
    }
    return true
  }

  /** Waits until nothing has come for `quietMs`, at most `ms`. */
  async quiet(quietMs: number, ms: number): Promise<void> {
    const deadline = new Deadline(this.#clock, ms)
    for (let before = -1; before !== this.#receivedBytes && this.#end === 'no' && !deadline.passed; ) {
      before = this.#receivedBytes
      await this.until(() => this.#receivedBytes !== before, Math.min(quietMs, deadline.leftMs))
    }
  }

  /** Waits for the program's end of the conversation. */
  async untilEnd(ms: number): Promise<PeerEnd> {
    await this.until(() => false, ms)
    return this.#end
  }

  /** RST: as if our machine had crashed. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Ends it as a well-behaved client does, with `ms` for the program to end its side. */
  async close(ms: number): Promise<void> {
    if (this.#end !== 'no') {
      this.#socket.resetAndDestroy()
      return
    }
    this.finish()
    this.#socket.resume()
    await this.until(() => false, ms)
    this.#socket.destroy()
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ms, () => wake())
      const wake = (): void => {
        timer.cancel()
        this.#wake = undefined
        resolve()
      }
      this.#wake = wake
    })
  }
}
