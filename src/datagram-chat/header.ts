/** What every datagram begins with: two magic bytes, the version, the type. Numbers are big-endian. docs/chat-udp.md has it all. */
const magic = 0x4e55
export const version = 1
export const headerBytes = 4

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
