import { UsageError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { printable } from '../../base/visible.ts'
import type { Decoder } from '../../net/codec.ts'
import { encodeFrames, FrameDecoder } from '../../net/frame-codec.ts'
import { LineSplitter } from '../../net/line-codec.ts'
import { TelnetFilter } from '../../net/telnet-filter.ts'
import { PeerText } from '../../terminal/peer-text.ts'

/** How what the server sends becomes output. */
export interface Hearing {
  hear(chunk: Buffer): string | Buffer
  /** At the server's end. @throws {ProtocolError} when it ended within a message. */
  end(): string | Buffer
}

/** How input becomes what is sent. */
export interface Saying {
  say(chunk: Buffer): Buffer
  end(): Buffer
}

const nothing = Buffer.alloc(0)

/** Bytes as they are, in either direction. */
export const rawHearing: Hearing = { hear: (chunk) => chunk, end: () => nothing }
export const rawSaying: Saying = { say: (chunk) => chunk, end: () => nothing }

/** Text for a terminal: control characters escaped, telnet negotiations left out. */
export function textHearing(): Hearing {
  const telnet = new TelnetFilter()
  const text = new PeerText()
  return { hear: (chunk) => text.push(telnet.strip(chunk)), end: () => text.end() }
}

/** Every frame a line; for a terminal (`safe`) with control characters escaped, else byte for byte. */
export function frameHearing(safe: boolean): Hearing {
  const decoder = new FrameDecoder()
  const line = (frame: Buffer): Buffer => {
    const payload = safe ? Buffer.from(frame.toString('utf8').split('\n').map(printable).join('\n')) : frame
    return Buffer.concat([payload, Buffer.from('\n')])
  }
  return {
    hear: (chunk) => Buffer.concat(Array.from(decoder.push(chunk), line)),
    end: () => Buffer.concat(decoder.end().map(line)),
  }
}

/** Every line of the input a frame. */
export function frameSaying(): Saying {
  const lines: Decoder<Buffer> = new LineSplitter(limits.frameBytes + 1)
  const frames = (cut: () => Iterable<Buffer>): Buffer => {
    try {
      return encodeFrames([...cut()])
    } catch (error) {
      throw new UsageError(`a line of the input is longer than a frame may be (${limits.frameBytes} bytes)`, {
        hint: '--framing text sends the input as it is',
        cause: error,
      })
    }
  }
  return { say: (chunk) => frames(() => lines.push(chunk)), end: () => frames(() => lines.end()) }
}
