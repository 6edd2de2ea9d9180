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
}

/** The same bytes as a Buffer, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Collects the pieces of one message that straddles chunks. Grows by doubling, so a message of n bytes costs fewer than
 * 3 n copied bytes however it is cut, and an announced length costs nothing before its bytes come; keeping the rest and
 * concatenating would be quadratic.
 */
export class Gather {
  #bytes: Buffer | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The memory it takes, of which `length` bytes are in use. */
  get heldBytes(): number {
    return this.#bytes?.length ?? 0
  }

  /** Appends a copy of `piece`. The room never grows beyond `maxBytes`, which the whole must not exceed. */
  append(piece: Uint8Array, maxBytes: number): void {
    const needed = this.#length + piece.length
    const room = this.#bytes?.length ?? 0
    if (this.#bytes === undefined || needed > room) {
      const grown = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(netLimits.gatherBytes, needed, 2 * room)))
      if (this.#bytes !== undefined) {
        grown.set(this.#bytes.subarray(0, this.#length))
        release(this.#bytes)
      }
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.#length)
    this.#length = needed
  }

  /** Forgets what was gathered. */
  clear(): void {
    if (this.#bytes !== undefined) release(this.#bytes)
    this.#bytes = undefined
    this.#length = 0
  }

  /** Hands out what was gathered, in memory of its own, and starts anew. */
  take(): Buffer {
    const whole = this.#bytes?.subarray(0, this.#length) ?? Buffer.alloc(0)
    this.#bytes = undefined
    this.#length = 0
    return whole
  }
}

/** Gives back the memory of a buffer that nobody else has, now and not when V8 next collects garbage: that may be minutes away. */
function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
