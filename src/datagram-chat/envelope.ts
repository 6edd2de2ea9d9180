import type { Seal } from './cipher.ts'
import { sessionBytes } from './handshake.ts'
import { type DatagramType, header, headerBytes } from './header.ts'

/** Datagrams of a session: header (4), session (8), number (6), then the body, sealed when the room has a key. */
export const envelopeBytes = headerBytes + sessionBytes + 6

/** Header and number are authenticated with the body; the session is by its key. */
function authenticated(type: DatagramType, number: number): Buffer {
  const bytes = Buffer.alloc(headerBytes + 6)
  header(type).copy(bytes)
  bytes.writeUIntBE(number, headerBytes, 6)
  return bytes
}

/** Number and sealed body: the same bytes for every member when it goes to all. */
export function sealBody(type: DatagramType, number: number, body: Buffer, seal: Seal): Buffer {
  const closed = seal.close(authenticated(type, number), number, body)
  const bytes = Buffer.allocUnsafe(6 + closed.length)
  bytes.writeUIntBE(number, 0, 6)
  closed.copy(bytes, 6)
  return bytes
}

/** Header and session: the same bytes for every datagram of this type to this member. */
export function addressed(type: DatagramType, session: Buffer): Buffer {
  return Buffer.concat([header(type), session])
}

export function encodeEnvelope(type: DatagramType, session: Buffer, number: number, body: Buffer, seal: Seal): Buffer {
  return Buffer.concat([addressed(type, session), sealBody(type, number, body, seal)])
}

/** Undefined when it is too short to be one. The session is a view. */
export function sessionOf(datagram: Buffer): Buffer | undefined {
  return datagram.length < envelopeBytes ? undefined : datagram.subarray(headerBytes, headerBytes + sessionBytes)
}

export function numberOf(datagram: Buffer): number {
  return datagram.readUIntBE(headerBytes + sessionBytes, 6)
}

/** The body; undefined when it was not sealed with this key. */
export function openEnvelope(type: DatagramType, datagram: Buffer, seal: Seal): Buffer | undefined {
  const number = numberOf(datagram)
  return seal.open(authenticated(type, number), number, datagram.subarray(envelopeBytes))
}
