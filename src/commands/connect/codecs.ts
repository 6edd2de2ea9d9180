import { StringDecoder } from 'node:string_decoder'
import { UsageError } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import type { Decoder } from '../../net/codec.ts'
import type { Dialect } from '../../net/dialect.ts'
import { encodeFrames, FrameDecoder } from '../../net/frame-codec.ts'
import { netLimits } from '../../net/limits.ts'
import { LineSplitter, TelnetFilter } from '../../net/line-codec.ts'

/** Turns what the server sends into output. */
export interface OutputDecoder {
  decode(chunk: Buffer): string | Buffer
  /** At the server's end. @throws {ProtocolError} when it ended within a message. */
  end(): string | Buffer
}

/** Turns input into what is sent. @throws {UsageError} from both for a line that no frame can hold. */
export interface InputEncoder {
  encode(chunk: Buffer): Buffer
  end(): Buffer
}

/** Both directions of a conversation. */
export interface ClientCodec {
  readonly encoder: InputEncoder
  readonly decoder: OutputDecoder
}

/** Lines from a person, and output for a terminal. */
export function terminalCodec(dialect: Dialect): ClientCodec {
  return dialect === 'frames'
    ? { encoder: frameEncoder(), decoder: frameDecoder(true) }
    : { encoder: rawEncoder, decoder: textDecoder() }
}

/** Bytes through pipes. @param safe output goes to a terminal, which must not obey what a server sends. */
export function pipeCodec(dialect: Dialect, safe: boolean): ClientCodec {
  return dialect === 'frames'
    ? { encoder: frameEncoder(), decoder: frameDecoder(safe) }
    : { encoder: rawEncoder, decoder: safe ? textDecoder() : rawDecoder }
}

const noBytes = Buffer.alloc(0)

const rawDecoder: OutputDecoder = { decode: (chunk) => chunk, end: () => noBytes }
const rawEncoder: InputEncoder = { encode: (chunk) => chunk, end: () => noBytes }

/** Text for a terminal: control characters escaped, telnet negotiations left out. */
function textDecoder(): OutputDecoder {
  const telnet = new TelnetFilter()
  const text = new SafeText()
  return { decode: (chunk) => text.push(telnet.strip(chunk)), end: () => text.end() }
}

/** Every frame a line; for a terminal (`safe`) with control characters escaped, else byte for byte. */
function frameDecoder(safe: boolean): OutputDecoder {
  const frames = new FrameDecoder()
  const line = (frame: Buffer): Buffer => {
    const payload = safe ? Buffer.from(frame.toString('utf8').split('\n').map(printable).join('\n')) : frame
    return Buffer.concat([payload, Buffer.from('\n')])
  }
  return {
    decode: (chunk) => Buffer.concat(Array.from(frames.push(chunk), line)),
    end: () => Buffer.concat(frames.end().map(line)),
  }
}

/** Every line of the input a frame. */
function frameEncoder(): InputEncoder {
  const lines: Decoder<Buffer> = new LineSplitter(netLimits.frameBytes + 1)
  const frames = (cut: () => Iterable<Buffer>): Buffer => {
    try {
      return encodeFrames([...cut()])
    } catch (error) {
      throw new UsageError(`a line of the input is longer than a frame may be (${netLimits.frameBytes} bytes)`, {
        hint: '--framing text sends the input as it is',
        cause: error,
      })
    }
  }
  return { encode: (chunk) => frames(() => lines.push(chunk)), end: () => frames(() => lines.end()) }
}

/** A server's stream of text made safe for a terminal, chunk by chunk. Lines stay lines, CR LF becomes LF. */
class SafeText {
  readonly #decoder = new StringDecoder('utf8')
  #held = ''

  push(chunk: Buffer): string {
    return this.#safe(this.#decoder.write(chunk))
  }

  /** What was held back for its second half. */
  end(): string {
    const last = this.#safe(this.#decoder.end()) + printable(this.#held)
    this.#held = ''
    return last
  }

  #safe(text: string): string {
    const whole = this.#held + text
    // A CR at the end may be the first half of a line's end.
    this.#held = whole.endsWith('\r') ? '\r' : ''
    const lines = whole
      .slice(0, whole.length - this.#held.length)
      .replaceAll('\r\n', '\n')
      .split('\n')
    return lines.map(printable).join('\n')
  }
}
