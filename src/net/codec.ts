import { netLimits } from './limits.ts'

/**
 * Cuts a stream of bytes into messages. Pure: knows no socket and no time.
 *
 * `push` returns a lazy iterable that does the work while it is walked, so that messages in front of a fault are still
 * delivered. Walk each one to its end before the next `push`; after an error or an early leave the decoder is spent.
 */
export interface Decoder<T> {
  /**
   * Yields every message that `chunk` completes. Yielded bytes may share memory with `chunk`: whoever reuses the chunk's
   * memory is done with them first.
   * @throws {ProtocolError} when the bytes cannot be messages.
   */
  push(chunk: Uint8Array): Iterable<T>
  /**
   * What the end of the stream completes.
   * @throws {ProtocolError} when the stream ended within a message.
   */
  end(): readonly T[]
}

/** A decoder that keeps what came of an unfinished message, up to a bound. */
export interface BoundedDecoder<T> extends Decoder<T> {
  /** The longest message, in bytes. A new bound holds from the next message on, of lines also for the one under way. */
  maxBytes: number
  /** Memory that an unfinished message takes. */
  readonly heldBytes: number
  /** What has come of it. */
  readonly pendingBytes: number
  /** Forgets the unfinished message, and its memory; nothing more can be decoded. */
  clear(): void
}

/** The same bytes as a Buffer, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Collects the pieces of one message that straddles chunks, in blocks that grow with it: an announced length costs nothing before
 * its bytes come, what has come costs at most a quarter more, and a message of n bytes costs 2 n copied bytes however it is
 * cut. Keeping the rest and concatenating would be quadratic, and doubling one block holds up to twice as much.
 */
export class Gather {
  #full: Buffer[] = []
  #fullBytes = 0
  /** The block that is being filled, and how far. */
  #last: Buffer | undefined
  #lastLength = 0

  get length(): number {
    return this.#fullBytes + this.#lastLength
  }

  /** The memory it takes, of which `length` bytes are in use. */
  get heldBytes(): number {
    return this.#fullBytes + (this.#last?.length ?? 0)
  }

  /** Appends a copy of `piece`. The memory never grows beyond `maxBytes`, which the whole must not exceed. */
  append(piece: Uint8Array, maxBytes: number): void {
    let at = 0
    while (at < piece.length) {
      const block = this.#room(piece.length - at, maxBytes)
      const part = piece.subarray(at, at + block.length - this.#lastLength)
      block.set(part, this.#lastLength)
      this.#lastLength += part.length
      at += part.length
    }
  }

  /** Hands out what was gathered, in memory of its own, and starts anew. */
  take(): Buffer {
    const whole = this.#whole()
    if (this.#full.length > 0) this.clear()
    this.#last = undefined
    this.#lastLength = 0
    return whole
  }

  /** Forgets what was gathered. */
  clear(): void {
    for (const block of this.#full) release(block)
    if (this.#last !== undefined) release(this.#last)
    this.#full = []
    this.#fullBytes = 0
    this.#last = undefined
    this.#lastLength = 0
  }

  #whole(): Buffer {
    const last = this.#last?.subarray(0, this.#lastLength) ?? Buffer.alloc(0)
    if (this.#full.length === 0) return last
    const whole = Buffer.allocUnsafeSlow(this.length)
    let at = 0
    for (const block of [...this.#full, last]) {
      whole.set(block, at)
      at += block.length
    }
    return whole
  }

  /** A block that is not full. */
  #room(wantedBytes: number, maxBytes: number): Buffer {
    if (this.#last !== undefined) {
      if (this.#lastLength < this.#last.length) return this.#last
      this.#full.push(this.#last)
      this.#fullBytes += this.#last.length
    }
    const bytes = Math.max(netLimits.gatherBytes, wantedBytes, Math.ceil(this.#fullBytes / 4))
    this.#last = Buffer.allocUnsafeSlow(Math.min(bytes, maxBytes - this.#fullBytes))
    this.#lastLength = 0
    return this.#last
  }
}

/** Gives back the memory of a buffer that nobody else has, now and not when V8 next collects garbage: that may be minutes away. */
function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
