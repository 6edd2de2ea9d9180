import { crc32c } from '../../src/net/proxy-protocol.ts'

export interface BinaryHeader {
  readonly version?: number
  readonly command?: number
  /** Family and protocol: 0x11 for TCP over IPv4. */
  readonly family?: number
  /** In place of both addresses and ports. */
  readonly addresses?: Buffer
  /** Type, and value. */
  readonly extensions?: readonly (readonly [type: number, value: Buffer])[]
  /** An extension with the checksum of the whole, or a wrong one. */
  readonly checksum?: 'right' | 'wrong'
  /** In place of the right one. */
  readonly length?: number
}

export const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** 192.0.2.7:4711 to 198.51.100.1:9090. */
export const ipv4Addresses = Buffer.from('c0000207c6336401126723' + '82', 'hex')
/** [2001:db8::7]:4711 to [2001:db8::1]:9090. */
export const ipv6Addresses = Buffer.from(
  '20010db8000000000000000000000007' + '20010db8000000000000000000000001' + '12672382',
  'hex',
)

/** A header of version 2, right or wrong. */
export function binaryHeader({
  version = 2,
  command = 1,
  family = 0x11,
  addresses = ipv4Addresses,
  extensions = [],
  checksum,
  length,
}: BinaryHeader = {}): Buffer {
  const triple = (type: number, value: Buffer) =>
    Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), value])
  const parts = [addresses, ...extensions.map(([type, value]) => triple(type, value))]
  if (checksum !== undefined) parts.push(triple(3, Buffer.alloc(4)))
  const rest = Buffer.concat(parts)
  const bytes = length ?? rest.length
  const fixed = Buffer.from([(version << 4) | command, family, bytes >> 8, bytes & 255])
  const whole = Buffer.concat([signature, fixed, rest])
  if (checksum !== undefined) whole.writeUInt32BE(crc32c(whole), whole.length - 4)
  if (checksum === 'wrong') whole.writeUInt8((whole.at(-1) ?? 0) ^ 1, whole.length - 1)
  return whole
}
