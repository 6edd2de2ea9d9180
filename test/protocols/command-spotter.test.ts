import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { encodeFrame } from '../../src/net/frame-codec.ts'
import { CommandSpotter } from '../../src/protocols/command-spotter.ts'

type Framing = 'auto' | 'frames' | 'text'

/** Every command found in the chunks, as [command, offset of its end in the whole stream]; `end` for one at the end. */
function spot(chunks: readonly Buffer[], framing: Framing = 'auto', maxFrameBytes = 1000): [string, number | 'end'][] {
  const spotter = new CommandSpotter(framing, maxFrameBytes)
  const found: [string, number | 'end'][] = []
  let offset = 0
  for (const chunk of chunks) {
    let rest = chunk
    for (let next = spotter.push(rest); next !== undefined; next = spotter.push(rest)) {
      offset += next.end
      found.push([next.command, offset])
      rest = rest.subarray(next.end)
      if (rest.length === 0) break
    }
    offset += rest.length
  }
  const last = spotter.end()
  if (last !== undefined) found.push([last, 'end'])
  return found
}

/** The same by the definition: whole lines, one after the other. */
function spotByLines(text: string): [string, number | 'end'][] {
  const found: [string, number | 'end'][] = []
  let start = 0
  for (;;) {
    const newline = text.indexOf('\n', start)
    const line = text.slice(start, newline === -1 ? undefined : newline).replace(/\r$/, '')
    if (line === 'exit' || line === 'stop') found.push([line, newline === -1 ? 'end' : newline + 1])
    if (newline === -1) return found
    start = newline + 1
  }
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    if (at + size >= bytes.length) break
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at))
  return chunks
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 })

describe('commands in lines', () => {
  test.each([
    ['exit\n', [['exit', 5]]],
    ['stop\r\n', [['stop', 6]]],
    ['exit', [['exit', 'end']]],
    ['stop\r', [['stop', 'end']]],
    ['hello\nexit\nmore', [['exit', 11]]],
    ['exit \n', []],
    ['Exit\n', []],
    ['xexit\n', []],
    ['exit\r\r\n', []],
    ['exits\nnonstop\n', []],
    ['a\nexit', [['exit', 'end']]],
    [
      'exit\nstop\n',
      [
        ['exit', 5],
        ['stop', 10],
      ],
    ],
    [
      'stop\nexit\n',
      [
        ['stop', 5],
        ['exit', 10],
      ],
    ],
    ['', []],
  ])('%j', (text, expected) => {
    const chunks = text === '' ? [] : [Buffer.from(text)]
    expect(spot(chunks, 'text')).toEqual(expected)
  })

  test('are found in every stream, however it is cut', () => {
    const pieces = fc.constantFrom('exit', 'stop', 'e', 'st', '\n', '\r', '\r\n', '\n', 'x', 'long line of text', '\0')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), sizes, (parts, cuts) => {
        const text = parts.join('')
        expect(spot(cut(Buffer.from(text), cuts), 'text')).toEqual(spotByLines(text))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('commands in frames', () => {
  test('are found in every sequence of frames, however it is cut', () => {
    const payload = fc.constantFrom(
      'exit',
      'stop',
      'exit\n',
      'stop\r\n',
      '',
      'exi',
      'exit\n\n',
      'something longer',
      '\nexit\n',
    )
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 20 }), sizes, (payloads, cuts) => {
        const expected: [string, number][] = []
        let offset = 0
        for (const text of payloads) {
          offset += 4 + text.length
          if (/^(exit|stop)\r?\n?$/.test(text)) expected.push([text.trim(), offset])
        }
        const wire = Buffer.concat(payloads.map((text) => encodeFrame(text)))
        expect(spot(cut(wire, cuts))).toEqual(expected)
      }),
      { numRuns: 1000 },
    )
  })

  test('a header above the limit makes the rest plain bytes', () => {
    const wire = Buffer.concat([
      encodeFrame('hi'),
      Buffer.from([0, 0, 4, 0]),
      encodeFrame('exit'),
      Buffer.from('\nexit\n'),
    ])
    expect(spot([wire])).toEqual([])
  })

  test('a header above the limit is an error when frames were demanded', () => {
    const spotter = new CommandSpotter('frames', 1000)
    expect(() => spotter.push(Buffer.from([0, 0, 4, 0]))).toThrow('a frame of 1024 bytes was announced, more than 1000')
    expect(() => new CommandSpotter('frames', 1000).push(Buffer.from('hell'))).toThrow('was announced, more than 1000')
  })

  test('answers take the dialect of the question', () => {
    const spotter = new CommandSpotter('auto', 1000)
    expect(spotter.dialect).toBe('text')
    spotter.push(encodeFrame('hi'))
    expect(spotter.dialect).toBe('frames')
  })
})

/** Words before a `stop` that could be somebody else's, and what they look like. */
const foreign: readonly (readonly [what: string, words: string | Buffer])[] = [
  ['an HTTP request', 'GET / HTTP/1.1\r\n'],
  ['an HTTP request', 'POST /a/b?c HTTP/1.1\r\nHost: 127.0.0.1:9007\r\nContent-Length: 5\r\n\r\n'],
  ['an HTTP request', 'OPTIONS * HTTP/1.1\r\n'],
  ['an HTTP request', 'GET http://127.0.0.1:9007/ HTTP/1.1\r\n'],
  ['an HTTP request', 'CONNECT 127.0.0.1:9007 HTTP/1.1\r\n'],
  ['an HTTP request', 'M-SEARCH * HTTP/1.1\r\n'],
  ['an HTTP request', 'get index.html HTTP/1.0\n'],
  ['an HTTP request', 'GET /\n'],
  ['an HTTP request', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['an HTTP request', 'DESCRIBE rtsp://127.0.0.1/x RTSP/1.0\r\n'],
  ['an HTTP request', 'INVITE sip:ada@example.com SIP/2.0\r\n'],
  ['an HTTP request', `STOP /${'x'.repeat(40_000)} HTTP/1.1\r\n`],
  ['an HTTP request', 'hello\nhow are you\nGET / HTTP/1.1\r\n'],
  ['an HTTP answer', 'HTTP/1.1 200 OK\r\n'],
  ['a header line', 'Host: localhost\r\n'],
  ['a header line', 'hello\nUpgrade: websocket\n'],
  ['a header line', 'X-Forwarded-For:\t10.0.0.1\r\n'],
  ['a form', '------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n'],
  ['a PROXY header', 'PROXY TCP4 192.0.2.1 192.0.2.2 1000 9007\r\n'],
  ['a PROXY header', 'PROXY UNKNOWN\r\n'],
  ['binary data', Buffer.from('\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c0123456789ab\n', 'latin1')],
  ['binary data', Buffer.from('\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03random\n', 'latin1')],
  ['binary data', 'hello\0\n'],
  ['binary data', '\x05\x01\0\n'],
  ['a mail command', 'EHLO example.com\r\n'],
  ['a mail command', 'MAIL FROM:<a@example.com>\r\n'],
  ['a mail command', 'a001 LOGIN ada secret\r\n'],
  ['a file transfer command', 'USER anonymous\r\nPASS me@\r\n'],
  ['a chat command', 'NICK ada\r\n'],
  ['a cache command', 'CLIENT libcurl 7.88.1\r\n'],
  ['a cache command', '*1\r\n$4\r\n'],
  ['a cache command', 'set key 0 0 4\r\n'],
  ['an SSH greeting', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['a markup document', '<?xml version="1.0"?>\n'],
]

function foreignIn(chunks: readonly Buffer[], framing: Framing = 'auto'): (string | undefined)[] {
  const spotter = new CommandSpotter(framing, 100_000)
  const at: (string | undefined)[] = []
  for (const chunk of chunks) {
    let rest = chunk
    for (let next = spotter.push(rest); next !== undefined; next = spotter.push(rest)) {
      if (next.command === 'stop') at.push(spotter.foreign)
      rest = rest.subarray(next.end)
      if (rest.length === 0) break
    }
  }
  if (spotter.end() === 'stop') at.push(spotter.foreign)
  return at
}

describe('bug: a web page stopped the server', () => {
  test.each(foreign)('%s is noticed before a stop: %j', (what, words) => {
    const wire = Buffer.concat([Buffer.from(words), Buffer.from('stop\n')])
    expect(foreignIn([wire])).toEqual([what])
    expect(foreignIn([...wire].map((byte) => Buffer.from([byte])))).toEqual([what])
    const open = Buffer.concat([Buffer.from(words), Buffer.from('\nstop')])
    expect(foreignIn([open], 'text')).toEqual([what])
  })

  test.each(foreign.filter(([what]) => what !== 'binary data'))('%s is noticed in a frame: %j', (what, words) => {
    const wire = Buffer.concat([encodeFrame('hello'), encodeFrame(Buffer.from(words)), encodeFrame('stop')])
    expect(foreignIn([wire])).toEqual([what])
    expect(foreignIn([...wire].map((byte) => Buffer.from([byte])))).toEqual([what])
  })

  test.each([
    ['STUN, as a browser sends to a TURN server', Buffer.from('0001003c2112a442', 'hex')],
    ['SMB', Buffer.from('00000040fe534d42', 'hex')],
    ['PostgreSQL', Buffer.from('0000000800030000', 'hex')],
  ])('%s is no conversation in frames', (_what, bytes) => {
    const spotter = new CommandSpotter('auto', 1_000_000)
    spotter.push(bytes)
    expect(spotter.foreign).toBe('binary data')
  })

  test.each([
    '',
    'hello\n',
    'hello\r\nworld\r\n',
    'привет, мир\n',
    'what is 12:30? see http://example.com/a\n',
    'GET well soon\nPOST office\nUSER\nPASS\nHELP\n',
    'get / of the disk\n',
    '- a list\n-- of things\n',
    '* 2 is 4\n$5\n',
    '{"type":"hello"}\n',
    '\x1b[A\x1b[Bcorrec\x08ct\ttabs\n',
    Buffer.from('\xff\xfb\x1f\xff\xfa\x1f\0P\0\x18\xff\xf0from telnet\n', 'latin1'),
    'long '.repeat(20_000).concat('\n'),
  ])('a stop is obeyed after what a person typed: %j', (words) => {
    const wire = Buffer.concat([Buffer.from(words), Buffer.from('stop\n')])
    expect(foreignIn([wire], 'text')).toEqual([undefined])
  })

  test('a stop behind more than is remembered is judged by what came with it', () => {
    const spotter = new CommandSpotter('text', 1000)
    for (let count = 0; count < 3000; count++) spotter.push(Buffer.from('a line of thirty characters..\n'))
    expect(spotter.push(Buffer.from('hello\nstop\n'))).toEqual({ command: 'stop', end: 11 })
    expect(spotter.foreign).toBeUndefined()
    spotter.push(Buffer.from('POST / HTTP/1.1\r\n\r\nstop\n'))
    expect(spotter.foreign).toBe('an HTTP request')
  })

  test('however the stream is cut, the same is noticed', () => {
    const words = fc.constantFrom(
      ...[
        'GET ',
        '/x',
        ' HTTP/1.1',
        '\r\n',
        '\n',
        'Host',
        ':',
        ' ',
        'stop\n',
        'x'.repeat(300),
        'hello\n',
        'PROXY TCP4 ',
        '\0',
      ],
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), sizes, (parts, cuts) => {
        const wire = Buffer.from(`a${parts.join('')}`)
        const whole = foreignIn([wire], 'text').map((found) => found !== undefined)
        expect(foreignIn(cut(wire, cuts), 'text').map((found) => found !== undefined)).toEqual(whole)
      }),
      { numRuns: 2000 },
    )
  })
})
