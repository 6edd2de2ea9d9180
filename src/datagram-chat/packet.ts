import type { Seal } from './aead.ts'

/** What every datagram begins with: two magic bytes, the version, the type. Numbers are big-endian. docs/chat-udp.md has it all. */
const magic = 0x4e55
export const version = 1
export const headerBytes = 4
/** A session's secret name, which relay and member know. */
export const sessionBytes = 8

export const DatagramType = {
  hello: 1,
  challenge: 2,
  join: 3,
  welcome: 4,
  refused: 5,
  version: 6,
  find: 7,
  here: 8,
  reset: 9,
  say: 16,
  seen: 17,
  leave: 18,
  who: 19,
  room: 32,
  resend: 33,
  ack: 34,
  bye: 35,
  names: 36,
} as const

export type DatagramType = (typeof DatagramType)[keyof typeof DatagramType]

const known: ReadonlySet<number> = new Set(Object.values(DatagramType))

/** The type of a datagram; 'foreign' when it is none of ours, 'version' when it is ours in a version we don't know. */
export function datagramType(datagram: Buffer): DatagramType | 'foreign' | 'version' {
  if (datagram.length < headerBytes || datagram.readUInt16BE(0) !== magic) return 'foreign'
  if (datagram[2] !== version) return 'version'
  const type = datagram[3]
  return isType(type) ? type : 'foreign'
}

export function header(type: DatagramType): Buffer {
  return Buffer.from([magic >> 8, magic & 0xff, version, type])
}

function isType(value: number | undefined): value is DatagramType {
  return value !== undefined && known.has(value)
}

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
