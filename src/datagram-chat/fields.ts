import { datagramLimits } from './limits.ts'

/** Thrown when a datagram ends too early or holds a value that cannot be; whoever decodes it drops the datagram. */
export class MalformedDatagram extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of `bytes`, or undefined if they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Reads big-endian fields one after the other. The buffers that it returns are views into the datagram. */
export class FieldReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** An unsigned number of 1 to 6 bytes. @throws {MalformedDatagram} */
  number(size: number): number {
    const at = this.#take(size)
    return this.#bytes.readUIntBE(at, size)
  }

  /** @throws {MalformedDatagram} */
  bytes(size: number): Buffer {
    const at = this.#take(size)
    return this.#bytes.subarray(at, at + size)
  }

  /** A one-byte length, then as much UTF-8. @throws {MalformedDatagram} */
  shortText(): string {
    const text = utf8Text(this.bytes(this.number(1)))
    if (text === undefined) throw new MalformedDatagram('not UTF-8')
    return text
  }

  #take(size: number): number {
    const at = this.#at
    if (at + size > this.#bytes.length) throw new MalformedDatagram('cut short')
    this.#at = at + size
    return at
  }
}

/** Builds one datagram, or the body of one, from big-endian fields. Writing past its limit throws RangeError: a bug of ours. */
export class FieldWriter {
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
