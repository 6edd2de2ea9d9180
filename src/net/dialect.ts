/** How a peer talks: length-prefixed frames, or lines that a person could type. */
export type Dialect = 'frames' | 'text'

/** How a stream is read: as its first byte tells, or as a person said. */
export type Framing = 'auto' | Dialect

/** The ContentType "handshake" of a TLS record (RFC 8446, 5.1), in front of every ClientHello. */
const tlsHandshake = 0x16

/** The top byte of a frame's length: frames stay below 16 MiB. No text starts with it. */
const frameLengthTop = 0x00

/** What a server tells a plain client that must use TLS, behind `netlab: `. */
export const tlsOnly = 'this server talks to other machines through TLS only'

/** What a server without TLS answers to a ClientHello: the fatal alert handshake_failure (RFC 8446, 6), which every client understands. */
export const tlsRefusal: Uint8Array = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40)

/** Whether this, all that a server said to a plain client before it hung up, means that it wants TLS: our words, or a TLS alert. */
export function asksForTls(said: Buffer): boolean {
  const isAlert = said.length === tlsRefusal.length && said[0] === 0x15 && said[1] === 3 && said.readUInt16BE(3) === 2
  return isAlert || said.toString('latin1').startsWith(`netlab: ${tlsOnly}`)
}

/**
 * What the first byte of a stream tells: TLS, to be unwrapped and looked at again, or a dialect. `undefined` when the peer
 * kept silent for as long as the caller waits (`netLimits.dialectMs`): a person at `nc`, who is waiting for a greeting.
 */
export function sniffDialect(firstByte: number | undefined): Dialect | 'tls' {
  if (firstByte === tlsHandshake) return 'tls'
  return firstByte === frameLengthTop ? 'frames' : 'text'
}
