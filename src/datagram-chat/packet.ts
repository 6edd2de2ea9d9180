import type { Aead } from './aead.ts'

/**
 * What every datagram begins with: two magic bytes, the version, the type. From `data` on, datagrams belong to a session and are packets:
 * header (4), session (8), packet number (6), then the body, sealed when the room has a key. Numbers are big-endian. docs/chat-udp.md
 * describes all of it.
 */
const magic = 0x4e55
export const version = 1
export const headerBytes = 4
/** A session's name, a secret of relay and member. */
export const sessionBytes = 8
const numberBytes = 6
export const packetHeaderBytes = headerBytes + sessionBytes + numberBytes

export const DatagramType = {
  hello: 1,
  challenge: 2,
  join: 3,
  welcome: 4,
  refused: 5,
  version: 6,
  discover: 7,
  offer: 8,
  reset: 9,
  data: 16,
  recordAck: 17,
  leave: 18,
  who: 19,
  broadcast: 32,
  retransmit: 33,
  dataAck: 34,
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

function isType(value: number | undefined): value is DatagramType {
  return value !== undefined && known.has(value)
}

export function header(type: DatagramType): Buffer {
  return Buffer.from([magic >> 8, magic & 0xff, version, type])
}

export function encodePacket(type: DatagramType, session: Buffer, number: number, body: Buffer, aead: Aead): Buffer {
  return Buffer.concat([packetPrefix(type, session), sealPacket(type, number, body, aead)])
}

/** Header and session: the same bytes for every packet of this type to this member. */
export function packetPrefix(type: DatagramType, session: Buffer): Buffer {
  return Buffer.concat([header(type), session])
}

/** Packet number and sealed body: the same bytes for every member when the packet goes to all. */
export function sealPacket(type: DatagramType, number: number, body: Buffer, aead: Aead): Buffer {
  const sealed = aead.seal(associatedData(type, number), number, body)
  const bytes = Buffer.allocUnsafe(numberBytes + sealed.length)
  bytes.writeUIntBE(number, 0, numberBytes)
  sealed.copy(bytes, numberBytes)
  return bytes
}

/** Undefined when it is too short to be a packet. The session is a view. */
export function sessionOf(datagram: Buffer): Buffer | undefined {
  return datagram.length < packetHeaderBytes ? undefined : datagram.subarray(headerBytes, headerBytes + sessionBytes)
}

export function packetNumberOf(packet: Buffer): number {
  return packet.readUIntBE(headerBytes + sessionBytes, numberBytes)
}

/** The body; undefined when it was not sealed with this key. */
export function openPacket(type: DatagramType, packet: Buffer, aead: Aead): Buffer | undefined {
  const number = packetNumberOf(packet)
  return aead.open(associatedData(type, number), number, packet.subarray(packetHeaderBytes))
}

/** Header and number are authenticated with the body. The session is, too: its key is derived from it. */
function associatedData(type: DatagramType, number: number): Buffer {
  const bytes = Buffer.alloc(headerBytes + numberBytes)
  header(type).copy(bytes)
  bytes.writeUIntBE(number, headerBytes, numberBytes)
  return bytes
}
