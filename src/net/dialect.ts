/** How a peer talks: length-prefixed frames, or lines that a person could type. */
export type Dialect = 'frames' | 'text'

/** How a stream is read: as its first byte tells, or as a person said. */
export type Framing = 'auto' | Dialect

/** The ContentType "handshake" of a TLS record (RFC 8446, 5.1), in front of every ClientHello. */
const tlsHandshake = 0x16

/** The top byte of a frame's length: frames stay below 16 MiB. No text starts with it. */
const frameLengthTop = 0x00

/**
 * What the first byte of a stream tells: TLS, to be unwrapped and looked at again, or a dialect. `undefined` when the peer
 * kept silent for as long as the caller waits (`netLimits.dialectMs`): a person at `nc`, who is waiting for a greeting.
 */
export function sniffDialect(firstByte: number | undefined): Dialect | 'tls' {
  if (firstByte === tlsHandshake) return 'tls'
  return firstByte === frameLengthTop ? 'frames' : 'text'
}
