import { ProtocolError } from '../base/errors.ts'
import { asBuffer, type BoundedDecoder, Gather } from './codec.ts'
import { netLimits } from './limits.ts'

/** The length of the payload, unsigned, big-endian: Python `struct '>I'`, Erlang `{packet,4}`, Netty's LengthFieldPrepender(4). */
export const frameHeaderBytes = 4

/** Reads the headers of frames, wherever the stream is cut. */
export class FrameHeaderReader {
  #seen = 0
  /** What the last whole header announced. */
  payloadBytes = 0

  /** Reads on at `start`. Returns the place behind the header; where that is not whole yet, -1, and `bytes` are used up. */
  read(bytes: Buffer, start: number): number {
    if (this.#seen === 0) {
      if (bytes.length - start >= frameHeaderBytes) {
        this.payloadBytes = bytes.readUInt32BE(start)
        return start + frameHeaderBytes
      }
      this.payloadBytes = 0
    }
    for (let at = start; at < bytes.length; at++) {
      // Not a shift: those are signed in JavaScript.
      this.payloadBytes = this.payloadBytes * 256 + (bytes[at] ?? 0)
      if (++this.#seen < frameHeaderBytes) continue
      this.#seen = 0
      return at + 1
    }
    return -1
  }

  /** The stream stands within a header. */
  get begun(): boolean {
    return this.#seen > 0
  }

  /** What has come of it. */
  get seenBytes(): number {
    return this.#seen
  }
}

/** Cuts a stream into length-prefixed frames; yields payloads without their header. */
export class FrameDecoder implements BoundedDecoder<Buffer> {
  /** The largest payload that is accepted. */
  maxBytes: number
  readonly #header = new FrameHeaderReader()
  /** A payload that straddles chunks. */
  #body: Gather | undefined

  constructor(maxBytes: number = netLimits.frameBytes) {
    this.maxBytes = maxBytes
  }

  get heldBytes(): number {
    return this.#body?.heldBytes ?? 0
  }

  get pendingBytes(): number {
    return this.#body === undefined ? this.#header.seenBytes : frameHeaderBytes + this.#body.length
  }

  clear(): void {
    this.#body?.clear()
    this.#body = undefined
  }

  *push(chunk: Uint8Array): Generator<Buffer, void, undefined> {
    const bytes = asBuffer(chunk)
    let at = 0
    while (at < bytes.length) {
      if (this.#body === undefined) {
        at = this.#header.read(bytes, at)
        if (at === -1) return
        const { payloadBytes } = this.#header
        // Before the payload is awaited or room made for it: a header is cheap to send.
        if (payloadBytes > this.maxBytes) throw frameTooLong(payloadBytes, this.maxBytes)
        const end = at + payloadBytes
        if (end <= bytes.length) {
          yield bytes.subarray(at, end)
          at = end
          continue
        }
        this.#body = new Gather()
      }
      const { payloadBytes } = this.#header
      const piece = bytes.subarray(at, at + payloadBytes - this.#body.length)
      this.#body.append(piece, payloadBytes)
      at += piece.length
      if (this.#body.length === payloadBytes) {
        const frame = this.#body.take()
        this.#body = undefined
        yield frame
      }
    }
  }

  end(): readonly Buffer[] {
    if (!this.#header.begun && this.#body === undefined) return []
    throw new ProtocolError('TRUNCATED_FRAME', 'the connection ended in the middle of a frame', {
      hint: 'the other side stopped early, or it does not speak length-prefixed frames',
    })
  }
}

/** What a header says that announces more than `maxBytes`. */
export function frameTooLong(bytes: number, maxBytes: number): ProtocolError {
  return new ProtocolError('FRAME_TOO_LONG', `a frame of ${bytes} bytes was announced, more than ${maxBytes}`, {
    hint: 'the other side may not speak length-prefixed frames',
  })
}

/**
 * One frame. Text becomes UTF-8.
 * @throws {RangeError} above `maxBytes`: the peer would close the connection.
 */
export function encodeFrame(message: string | Uint8Array, maxBytes: number = netLimits.frameBytes): Buffer {
  return encodeFrames([message], maxBytes)
}

/** Many frames in one buffer, for one write: three times as fast as a write for each. @throws {RangeError} as `encodeFrame`. */
export function encodeFrames(
  messages: readonly (string | Uint8Array)[],
  maxBytes: number = netLimits.frameBytes,
): Buffer {
  const sizes = messages.map((message) => payloadBytes(message, maxBytes))
  const wire = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + frameHeaderBytes + size, 0))
  let at = 0
  for (const [index, message] of messages.entries()) {
    at = wire.writeUInt32BE(sizes[index] ?? 0, at)
    if (typeof message === 'string') at += wire.write(message, at)
    else {
      wire.set(message, at)
      at += message.length
    }
  }
  return wire
}

function payloadBytes(message: string | Uint8Array, maxBytes: number): number {
  const size = typeof message === 'string' ? Buffer.byteLength(message) : message.length
  if (size > maxBytes) throw new RangeError(`a frame of ${size} bytes is longer than ${maxBytes}`)
  return size
}
