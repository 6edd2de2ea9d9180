/** Thrown by readers when a datagram ends too early or says what cannot be; whoever decodes drops the datagram. */
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

/** Reads big-endian fields one after the other; whatever it hands out is a view into the datagram. */
export class ByteReader {
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
