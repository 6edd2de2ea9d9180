import { ProtocolError } from '../base/errors.ts'
import type { Peer } from '../base/events.ts'
import { canonicalIp, formatIp, parseIp } from './ip.ts'

/** What a proxy says of the connection that it relays (haproxy's doc/proxy-protocol.txt, versions 1 and 2). */
export interface ProxyHeader {
  /** False: the proxy speaks for itself (LOCAL), such as to see whether the server is alive. */
  readonly relayed: boolean
  /** Whose connection it is; undefined when the proxy speaks for itself, doesn't know, or was reached through a UNIX socket. */
  readonly source: Peer | undefined
  /** The client speaks TLS with the proxy. */
  readonly encrypted: boolean
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
const word = Buffer.from('PROXY ')
/** Version 1: a line; the longest one allowed, with its end. */
const longestLine = 107
/** Version 2: signature, version and command, family and protocol, length of the rest. */
const fixedBytes = 16
/** Bytes of both addresses with their ports, by family: unspecified, IPv4, IPv6, UNIX. */
const addressBytes = [0, 12, 36, 216] as const
const tlvHeaderBytes = 3
const tlvType = { crc32c: 0x03, ssl: 0x20 } as const

/** Reads the one header at the start of a stream, wherever that is cut. */
export class ProxyHeaderDecoder {
  #bytes = Buffer.allocUnsafeSlow(longestLine + 1)
  #length = 0

  /**
   * The header, once it is whole, and the bytes of `chunk` behind it.
   * @throws {ProtocolError} PROXY_HEADER at the first byte that can be in none; the decoder is spent then
   */
  push(chunk: Buffer): { readonly header: ProxyHeader; readonly rest: Buffer } | undefined {
    const before = this.#length
    let taken = 0
    for (;;) {
      const wanted = this.#wanted()
      if (wanted === this.#length) {
        return { header: this.#parse(), rest: chunk.subarray(this.#length - before) }
      }
      if (taken === chunk.length) return undefined
      const piece = chunk.subarray(taken, taken + wanted - this.#length)
      this.#append(piece)
      taken += piece.length
    }
  }

  /** The stream ended. @throws {ProtocolError} */
  end(): never {
    throw new ProtocolError('PROXY_HEADER', 'the connection ended before its PROXY header was whole')
  }

  /** How long the header is, as far as what came tells: more is wanted until that is there. @throws {ProtocolError} */
  #wanted(): number {
    const bytes = this.#bytes.subarray(0, this.#length)
    if (bytes[0] === signature[0]) {
      if (!startsLike(bytes, signature)) throw malformed('it begins like none')
      return bytes.length < fixedBytes ? fixedBytes : fixedBytes + bytes.readUInt16BE(fixedBytes - 2)
    }
    if (!startsLike(bytes, word)) throw malformed('it begins like none')
    const end = bytes.indexOf('\n')
    if (end !== -1) return end + 1
    if (bytes.length >= longestLine) throw malformed('its line is too long')
    return bytes.length + 1
  }

  #append(piece: Buffer): void {
    const needed = this.#length + piece.length
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.#length)
    this.#length = needed
  }

  #parse(): ProxyHeader {
    const bytes = this.#bytes.subarray(0, this.#length)
    return bytes[0] === signature[0] ? parseBinary(bytes) : parseLine(bytes.toString('latin1'))
  }
}

/** Whether a conversation begins with a header; undefined as long as more bytes are needed to tell. */
export function beginsWithProxyHeader(bytes: Buffer): boolean | undefined {
  if (startsLike(bytes, signature)) return bytes.length >= signature.length ? true : undefined
  for (const start of ['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN']) {
    if (startsLike(bytes, Buffer.from(start))) return bytes.length >= start.length ? true : undefined
  }
  return false
}

/** Whether one of them is the other's beginning. */
function startsLike(bytes: Buffer, whole: Buffer): boolean {
  const length = Math.min(bytes.length, whole.length)
  return bytes.subarray(0, length).equals(whole.subarray(0, length))
}

function malformed(why: string): ProtocolError {
  return new ProtocolError('PROXY_HEADER', `no well-formed PROXY header: ${why}`)
}

/** Version 1. */
function parseLine(line: string): ProxyHeader {
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { relayed: true, source: undefined, encrypted: false }
  const port = '(0|[1-9][0-9]{0,4})'
  const parts = new RegExp(`^PROXY TCP([46]) (\\S+) (\\S+) ${port} ${port}\\r\\n$`).exec(line)
  if (parts === null) throw malformed('its line is wrong')
  const [, family, from = '', to = '', fromPort, toPort] = parts
  for (const address of [from, to]) {
    const right = family === '6' ? address.includes(':') && !address.includes('%') : !address.includes(':')
    if (!right || parseIp(address) === undefined) throw malformed('an address is wrong')
  }
  const [sourcePort, targetPort] = [Number(fromPort), Number(toPort)]
  if (Math.max(sourcePort, targetPort) > 65_535) throw malformed('a port is wrong')
  return { relayed: true, source: { address: canonicalIp(from) ?? from, port: sourcePort }, encrypted: false }
}

/** Version 2, whole. */
function parseBinary(bytes: Buffer): ProxyHeader {
  const [version, command] = halves(bytes[12])
  if (version !== 2) throw malformed('its version is unknown')
  if (command > 1) throw malformed('its command is unknown')
  if (command === 0) return { relayed: false, source: undefined, encrypted: false }
  const [family, protocol] = halves(bytes[13])
  const length = addressBytes[family]
  if (length === undefined || protocol > 2) throw malformed('its address family is unknown')
  // What is unspecified may be followed by anything.
  if (family === 0 || protocol === 0) return { relayed: true, source: undefined, encrypted: false }
  const addresses = bytes.subarray(fixedBytes, fixedBytes + length)
  if (addresses.length < length) throw malformed('its addresses are cut off')
  const encrypted = readExtensions(bytes, fixedBytes + length)
  return { relayed: true, source: readSource(family, addresses), encrypted }
}

function readSource(family: number, addresses: Buffer): Peer | undefined {
  if (family === 1) return { address: addresses.subarray(0, 4).join('.'), port: addresses.readUInt16BE(8) }
  if (family !== 2) return undefined
  const text = formatIp(6, BigInt(`0x${addresses.toString('hex', 0, 16)}`))
  return { address: canonicalIp(text) ?? text, port: addresses.readUInt16BE(32) }
}

/** Walks the type-length-value triples. Returns whether the client speaks TLS. @throws {ProtocolError} also for a wrong checksum */
function readExtensions(bytes: Buffer, start: number): boolean {
  let encrypted = false
  for (let at = start; at < bytes.length; ) {
    const value = at + tlvHeaderBytes
    const end = value <= bytes.length ? value + bytes.readUInt16BE(at + 1) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw malformed('an extension is longer than the header')
    if (bytes[at] === tlvType.ssl && end > value) encrypted = ((bytes[value] ?? 0) & 1) === 1
    if (bytes[at] === tlvType.crc32c && !checksumIsRight(bytes, value, end)) throw malformed('its checksum is wrong')
    at = end
  }
  return encrypted
}

function checksumIsRight(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== 4) return false
  const zeroed = Buffer.from(bytes)
  zeroed.fill(0, start, end)
  return crc32c(zeroed) === bytes.readUInt32BE(start)
}

/** RFC 9260, Appendix A; bit by bit, since few proxies send one, and seldom for more than 100 bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

function halves(byte = 0): [high: number, low: number] {
  return [byte >> 4, byte & 15]
}
