/** What a peer speaks: TLS (to be unwrapped and looked at again), length-prefixed frames, or lines of text. */
export type Dialect = 'tls' | 'frames' | 'text'

/** The ContentType "handshake" of a TLS record (RFC 8446, 5.1), in front of every ClientHello. */
const tlsHandshake = 0x16

/** The top byte of a frame's length: frames stay below 16 MiB. No text starts with it. */
const frameLengthTop = 0x00

/**
 * The dialect, by the first byte that came; `undefined` when the peer kept silent for as long as the caller waits
 * (`limits.dialectMs`): a person at `nc`, who is waiting for a greeting.
 */
export function dialectOf(firstByte: number | undefined): Dialect {
  if (firstByte === tlsHandshake) return 'tls'
  return firstByte === frameLengthTop ? 'frames' : 'text'
}
