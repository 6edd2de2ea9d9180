import { datagramLimits } from './limits.ts'

/** Builds one datagram or a piece of one from big-endian fields. Writing past the limit of a datagram throws RangeError: a bug of ours. */
export class ByteWriter {
  readonly #bytes: Buffer
  #at = 0

  constructor(maxBytes: number = datagramLimits.bytes) {
    this.#bytes = Buffer.allocUnsafe(maxBytes)
  }

  get length(): number {
    return this.#at
  }

  /** An unsigned number of 1 to 6 bytes. */
  number(value: number, size: number): this {
    this.#at = this.#bytes.writeUIntBE(value, this.#at, size)
    return this
  }

  bytes(value: Uint8Array): this {
    if (this.#at + value.length > this.#bytes.length) throw new RangeError('the datagram would be too long')
    this.#bytes.set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** A one-byte length, then the UTF-8 of `text`. */
  shortText(text: string): this {
    const bytes = Buffer.from(text)
    return this.number(bytes.length, 1).bytes(bytes)
  }

  zerosUpTo(length: number): this {
    this.#bytes.fill(0, this.#at, length)
    this.#at = length
    return this
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }
}
