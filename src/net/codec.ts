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

/** The same bytes as a Buffer, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
