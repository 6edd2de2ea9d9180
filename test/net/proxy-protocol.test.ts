import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ProtocolError } from '../../src/base/errors.ts'
import { beginsWithProxyHeader, crc32c, type ProxyHeader, ProxyHeaderDecoder } from '../../src/net/proxy-protocol.ts'
import { binaryHeader, ipv4Addresses, ipv6Addresses, signature } from '../support/proxy-header.ts'

/** What the decoder makes of these chunks: the header and all that follows, 'more' when it wants more, or why it is none. */
function decode(...chunks: readonly Buffer[]): { header: ProxyHeader; rest: string } | 'more' | string {
  const decoder = new ProxyHeaderDecoder()
  try {
    for (const [index, chunk] of chunks.entries()) {
      const found = decoder.push(chunk)
      if (found === undefined) continue
      const rest = Buffer.concat([found.rest, ...chunks.slice(index + 1)])
      return { header: found.header, rest: rest.toString('latin1') }
    }
    return 'more'
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error.message.replace('no well-formed PROXY header: ', '')
  }
}

function byteByByte(bytes: Buffer): Buffer[] {
  return [...bytes].map((byte) => Buffer.from([byte]))
}

const relayed = (address: string, port: number, encrypted = false) => ({
  relayed: true,
  source: { address, port },
  encrypted,
})
const unknown = { relayed: true, source: undefined, encrypted: false }
const local = { relayed: false, source: undefined, encrypted: false }

const good: readonly (readonly [what: string, wire: Buffer | string, header: object])[] = [
  ['TCP4', 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 9090\r\n', relayed('192.0.2.7', 4711)],
  [
    'the longest TCP4',
    'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
    relayed('255.255.255.255', 65_535),
  ],
  ['port 0', 'PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n', relayed('0.0.0.0', 0)],
  ['TCP6', 'PROXY TCP6 2001:db8::7 2001:db8::1 4711 9090\r\n', relayed('2001:db8::7', 4711)],
  ['TCP6 in full', 'PROXY TCP6 2001:0DB8:0:0:0:0:0:0007 ::1 4711 9090\r\n', relayed('2001:db8::7', 4711)],
  ['TCP6 of an IPv4 peer', 'PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 4711 9090\r\n', relayed('192.0.2.7', 4711)],
  ['UNKNOWN', 'PROXY UNKNOWN\r\n', unknown],
  ['UNKNOWN with anything', 'PROXY UNKNOWN 127.0.0.1 127.0.0.1 1 2\r\n', unknown],
  ['UNKNOWN, the longest', `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`, unknown],
  ['version 2 of IPv4', binaryHeader(), relayed('192.0.2.7', 4711)],
  ['version 2 of IPv6', binaryHeader({ family: 0x21, addresses: ipv6Addresses }), relayed('2001:db8::7', 4711)],
  ['version 2 of a datagram', binaryHeader({ family: 0x12 }), relayed('192.0.2.7', 4711)],
  [
    'version 2 of a mapped IPv4 peer',
    binaryHeader({
      family: 0x21,
      addresses: Buffer.from(`${'0'.repeat(20)}ffffc0000207${'0'.repeat(32)}12670000`, 'hex'),
    }),
    relayed('192.0.2.7', 4711),
  ],
  ['LOCAL', binaryHeader({ command: 0, family: 0, addresses: Buffer.alloc(0) }), local],
  ['LOCAL with addresses', binaryHeader({ command: 0 }), local],
  [
    'LOCAL with an unknown family and noise',
    binaryHeader({ command: 0, family: 0x97, addresses: Buffer.alloc(999, 7) }),
    local,
  ],
  ['UNSPEC', binaryHeader({ family: 0, addresses: Buffer.alloc(0) }), unknown],
  ['UNSPEC with noise', binaryHeader({ family: 0, addresses: Buffer.alloc(50, 255) }), unknown],
  ['an unspecified protocol', binaryHeader({ family: 0x10 }), unknown],
  ['UNIX', binaryHeader({ family: 0x31, addresses: Buffer.alloc(216, '/run/x') }), unknown],
  [
    'extensions',
    binaryHeader({
      extensions: [
        [1, Buffer.from('h2')],
        [4, Buffer.alloc(0)],
        [0xea, Buffer.alloc(300)],
      ],
    }),
    relayed('192.0.2.7', 4711),
  ],
  [
    'the largest extension',
    binaryHeader({ extensions: [[4, Buffer.alloc(65_535 - 12 - 3)]] }),
    relayed('192.0.2.7', 4711),
  ],
  [
    'TLS at the proxy',
    binaryHeader({ extensions: [[0x20, Buffer.from([1, 0, 0, 0, 0])]] }),
    relayed('192.0.2.7', 4711, true),
  ],
  [
    'no TLS at the proxy',
    binaryHeader({ extensions: [[0x20, Buffer.from([0, 0, 0, 0, 0])]] }),
    relayed('192.0.2.7', 4711),
  ],
  [
    'a checksum',
    binaryHeader({ extensions: [[2, Buffer.from('example.com')]], checksum: 'right' }),
    relayed('192.0.2.7', 4711),
  ],
]

const bad: readonly (readonly [what: string, wire: Buffer | string, why: string])[] = [
  ['a request', 'GET / HTTP/1.1\r\n', 'it begins like none'],
  ['TLS', Buffer.from([0x16, 3, 1, 2, 0]), 'it begins like none'],
  ['a frame', Buffer.from([0, 0, 0, 4]), 'it begins like none'],
  ['small letters', 'proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n', 'it begins like none'],
  ['two spaces', 'PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n', 'its line is wrong'],
  ['another protocol', 'PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n', 'its line is wrong'],
  ['LF alone', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n', 'its line is wrong'],
  ['LF alone behind UNKNOWN', 'PROXY UNKNOWN\n', 'its line is wrong'],
  ['a CR inside', 'PROXY UNKNOWN a\rb\r\n', 'its line is wrong'],
  ['UNKNOWN and more', 'PROXY UNKNOWNS\r\n', 'its line is wrong'],
  ['no ports', 'PROXY TCP4 1.2.3.4 1.2.3.4\r\n', 'its line is wrong'],
  ['one port', 'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n', 'its line is wrong'],
  ['a word too many', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n', 'its line is wrong'],
  ['a space at the end', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n', 'its line is wrong'],
  ['a port with a zero in front', 'PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n', 'its line is wrong'],
  ['a negative port', 'PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n', 'its line is wrong'],
  ['a port above 65535', 'PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n', 'a port is wrong'],
  ['a port to above 65535', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n', 'a port is wrong'],
  ['an octal address', 'PROXY TCP4 010.0.0.1 1.2.3.4 1 2\r\n', 'an address is wrong'],
  ['a short address', 'PROXY TCP4 127.1 1.2.3.4 1 2\r\n', 'an address is wrong'],
  ['a name', 'PROXY TCP4 localhost 1.2.3.4 1 2\r\n', 'an address is wrong'],
  ['a wrong address to', 'PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n', 'an address is wrong'],
  ['IPv6 in TCP4', 'PROXY TCP4 ::1 ::1 1 2\r\n', 'an address is wrong'],
  ['IPv4 in TCP6', 'PROXY TCP6 127.0.0.1 127.0.0.1 1 2\r\n', 'an address is wrong'],
  ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n', 'an address is wrong'],
  ['too many groups', 'PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n', 'an address is wrong'],
  ['a line without an end', `PROXY UNKNOWN ${'f'.repeat(93)}`, 'its line is too long'],
  ['a line of 108 bytes', `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`, 'its line is too long'],
  ['a spoiled signature', Buffer.from('\r\n\r\n\0\r\nQUIT\r'), 'it begins like none'],
  ['version 1 in binary', binaryHeader({ version: 1 }), 'its version is unknown'],
  ['version 3', binaryHeader({ version: 3 }), 'its version is unknown'],
  ['command 2', binaryHeader({ command: 2 }), 'its command is unknown'],
  ['family 4', binaryHeader({ family: 0x41 }), 'its address family is unknown'],
  ['protocol 3', binaryHeader({ family: 0x13 }), 'its address family is unknown'],
  ['IPv4 addresses cut off', binaryHeader({ addresses: ipv4Addresses.subarray(0, 11) }), 'its addresses are cut off'],
  ['IPv4 addresses for IPv6', binaryHeader({ family: 0x21 }), 'its addresses are cut off'],
  ['UNIX addresses cut off', binaryHeader({ family: 0x31, addresses: Buffer.alloc(215) }), 'its addresses are cut off'],
  [
    'an extension that is too long',
    binaryHeader({ addresses: Buffer.concat([ipv4Addresses, Buffer.from([4, 0, 9, 1])]) }),
    'an extension is longer than the header',
  ],
  [
    'an extension cut off in its header',
    binaryHeader({ addresses: Buffer.concat([ipv4Addresses, Buffer.from([4, 0])]) }),
    'an extension is longer than the header',
  ],
  ['a wrong checksum', binaryHeader({ checksum: 'wrong' }), 'its checksum is wrong'],
  ['a checksum of three bytes', binaryHeader({ extensions: [[3, Buffer.alloc(3)]] }), 'its checksum is wrong'],
]

const wireOf = (wire: Buffer | string) => (typeof wire === 'string' ? Buffer.from(wire, 'latin1') : wire)

describe('a PROXY header', () => {
  test.each(good)('%s is read, and what follows is left', (_what, wire, header) => {
    const bytes = wireOf(wire)
    const expected = { header, rest: 'PROXY\r\n\r\n' }
    expect(decode(Buffer.concat([bytes, Buffer.from('PROXY\r\n\r\n')]))).toEqual(expected)
    expect(decode(...byteByByte(bytes), Buffer.from('PROXY\r\n\r\n'))).toEqual(expected)
    expect(decode(bytes)).toEqual({ header, rest: '' })
    expect(decode(bytes.subarray(0, -1))).toBe('more')
    expect(beginsWithProxyHeader(bytes)).toBe(true)
  })

  test.each(bad)('%s is refused', (_what, wire, why) => {
    expect(decode(wireOf(wire))).toBe(why)
    expect(decode(...byteByByte(wireOf(wire)))).toBe(why)
  })

  test('is refused at the first byte that can be in none', () => {
    expect(decode(Buffer.from('PROXU'))).toBe('it begins like none')
    expect(decode(Buffer.from('G'))).toBe('it begins like none')
    expect(decode(Buffer.from('\r\n\r\n\x01', 'latin1'))).toBe('it begins like none')
    expect(decode(Buffer.from('PROX'))).toBe('more')
  })

  test('however it is cut, the same is read', () => {
    const piece = fc.oneof(
      fc.constantFrom(...[...good, ...bad].map(([, wire]) => wireOf(wire)).filter(({ length }) => length < 1000)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.concat([signature, bytes])),
    )
    fc.assert(
      fc.property(piece, piece, fc.array(fc.nat(200), { maxLength: 6 }), (first, second, cuts) => {
        const wire = Buffer.concat([first, second])
        const at = [0, ...cuts.map((cut) => cut % (wire.length + 1)), wire.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, index) => wire.subarray(at[index], end))
        expect(decode(...chunks)).toEqual(decode(wire))
      }),
      { numRuns: 2000 },
    )
  })

  test('that ends early is a fault', () => {
    const decoder = new ProxyHeaderDecoder()
    decoder.push(Buffer.from('PROXY TCP4 '))
    expect(() => decoder.end()).toThrow('the connection ended before its PROXY header was whole')
  })

  test('is no ordinary beginning', () => {
    for (const words of ['PROXYSERVER\n', 'PROXY me\n', 'hello', '\r\n\r\nhello', '\0\0\0\x05hello']) {
      expect(beginsWithProxyHeader(Buffer.from(words))).toBe(false)
    }
    for (const words of ['P', 'PROXY TCP', '\r', '\r\n\r\n'])
      expect(beginsWithProxyHeader(Buffer.from(words))).toBeUndefined()
  })

  test('has the checksum of RFC 9260', () => {
    // RFC 3720, B.4.
    expect(crc32c(Buffer.alloc(32)).toString(16)).toBe('8a9136aa')
    expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283')
  })
})
