import { ProtocolError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { asBuffer, type Decoder } from './codec.ts'
import { Gather } from './gather.ts'
import { TelnetFilter } from './telnet-filter.ts'

const LF = 10
const CR = 13

/** Cuts a stream into lines as bytes, without their LF or CR LF. A last line without an end counts. */
export class LineSplitter implements Decoder<Buffer> {
  readonly #maxBytes: number
  readonly #rest = new Gather()

  /** @param maxBytes the longest line, terminator included. */
  constructor(maxBytes: number = limits.lineBytes) {
    this.#maxBytes = maxBytes
  }

  *push(chunk: Uint8Array): Generator<Buffer, void, undefined> {
    const bytes = asBuffer(chunk)
    let at = 0
    for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, at)) {
      this.#check(lf + 1 - at)
      if (this.#rest.length > 0) {
        this.#rest.append(bytes.subarray(at, lf), this.#maxBytes)
        yield withoutCr(this.#rest.take())
      } else yield withoutCr(bytes.subarray(at, lf))
      at = lf + 1
    }
    if (at === bytes.length) return
    this.#check(bytes.length - at)
    this.#rest.append(bytes.subarray(at), this.#maxBytes)
  }

  end(): readonly Buffer[] {
    return this.#rest.length > 0 ? [this.#rest.take()] : []
  }

  #check(moreBytes: number): void {
    if (this.#rest.length + moreBytes <= this.#maxBytes) return
    throw new ProtocolError('LINE_TOO_LONG', `a line is longer than ${this.#maxBytes} bytes`)
  }
}

/** Lines as text: UTF-8, with U+FFFD for what is not, and a telnet client's negotiations left out. */
export class LineDecoder implements Decoder<string> {
  readonly #splitter: LineSplitter
  readonly #telnet = new TelnetFilter()

  /** @param maxBytes the longest line, terminator included. */
  constructor(maxBytes: number = limits.lineBytes) {
    this.#splitter = new LineSplitter(maxBytes)
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
