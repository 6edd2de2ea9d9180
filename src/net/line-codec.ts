import { ProtocolError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { asBuffer, type BoundedDecoder, Gather } from './codec.ts'

const LF = 10
const CR = 13

/** Cuts a stream into lines as bytes, without their LF or CR LF. A last line without an end counts. */
export class LineSplitter implements BoundedDecoder<Buffer> {
  /** The longest line, terminator included. */
  maxBytes: number
  readonly #rest = new Gather()

  constructor(maxBytes: number = limits.lineBytes) {
    this.maxBytes = maxBytes
  }

  get heldBytes(): number {
    return this.#rest.heldBytes
  }

  get pendingBytes(): number {
    return this.#rest.length
  }

  clear(): void {
    this.#rest.clear()
  }

  *push(chunk: Uint8Array): Generator<Buffer, void, undefined> {
    const bytes = asBuffer(chunk)
    let at = 0
    for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, at)) {
      this.#check(lf + 1 - at)
      if (this.#rest.length > 0) {
        this.#rest.append(bytes.subarray(at, lf), this.maxBytes)
        yield withoutCr(this.#rest.take())
      } else yield withoutCr(bytes.subarray(at, lf))
      at = lf + 1
    }
    if (at === bytes.length) return
    this.#check(bytes.length - at)
    this.#rest.append(bytes.subarray(at), this.maxBytes)
  }

  end(): readonly Buffer[] {
    return this.#rest.length > 0 ? [this.#rest.take()] : []
  }

  #check(moreBytes: number): void {
    if (this.#rest.length + moreBytes <= this.maxBytes) return
    throw new ProtocolError('LINE_TOO_LONG', `a line is longer than ${this.maxBytes} bytes`)
  }
}

/** Lines as text: UTF-8, with U+FFFD for what is not, and a telnet client's negotiations left out. */
export class LineDecoder implements BoundedDecoder<string> {
  readonly #splitter: LineSplitter
  readonly #telnet = new TelnetFilter()

  /** @param maxBytes the longest line, terminator included. */
  constructor(maxBytes: number = limits.lineBytes) {
    this.#splitter = new LineSplitter(maxBytes)
  }

  get maxBytes(): number {
    return this.#splitter.maxBytes
  }

  set maxBytes(bytes: number) {
    this.#splitter.maxBytes = bytes
  }

  get heldBytes(): number {
    return this.#splitter.heldBytes
  }

  get pendingBytes(): number {
    return this.#splitter.pendingBytes
  }

  clear(): void {
    this.#splitter.clear()
  }

  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    for (const line of this.#splitter.push(this.#telnet.strip(chunk))) yield line.toString('utf8')
  }

  end(): readonly string[] {
    return this.#splitter.end().map((line) => line.toString('utf8'))
  }
}

function withoutCr(line: Buffer): Buffer {
  return line.at(-1) === CR ? line.subarray(0, -1) : line
}

/** Command bytes of RFC 854. */
const IAC = 255
const DONT = 254
const WILL = 251
const SB = 250
const SE = 240

type State = 'data' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command'

/**
 * Takes a telnet client's negotiations (RFC 854, RFC 855) out of a text stream: `IAC WILL option`, `IAC SB … IAC SE` and
 * the two-byte commands. An escaped 255 stays as one byte. 255 never occurs in UTF-8, so nobody else is affected.
 */
export class TelnetFilter {
  #state: State = 'data'

  /** The chunk without negotiations; the chunk itself when there are none. */
  strip(chunk: Uint8Array): Buffer {
    const bytes = asBuffer(chunk)
    if (this.#state === 'data' && !bytes.includes(IAC)) return bytes
    const kept = Buffer.allocUnsafe(bytes.length)
    let length = 0
    for (const byte of bytes) {
      if (this.#state === 'data' && byte !== IAC) kept[length++] = byte
      else if (this.#state === 'command' && byte === IAC) {
        kept[length++] = byte
        this.#state = 'data'
      } else this.#state = next(this.#state, byte)
    }
    return kept.subarray(0, length)
  }
}

function next(state: State, byte: number): State {
  switch (state) {
    case 'data':
      return 'command'
    case 'command':
      if (byte === SB) return 'subnegotiation'
      return byte >= WILL && byte <= DONT ? 'option' : 'data'
    case 'option':
      return 'data'
    case 'subnegotiation':
      return byte === IAC ? 'subnegotiation-command' : 'subnegotiation'
    case 'subnegotiation-command':
      return byte === SE ? 'data' : 'subnegotiation'
  }
}
