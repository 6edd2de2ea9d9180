import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ProtocolError } from '../../src/base/errors.ts'
import { limits } from '../../src/base/limits.ts'
import { type Framing, tlsRefusal } from '../../src/net/dialect.ts'
import { encodeFrame, encodeFrames } from '../../src/net/frame-codec.ts'
import { netLimits } from '../../src/net/limits.ts'
import { MessageTransport } from '../../src/net/message-transport.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const turn = () => new Promise(setImmediate)

let clock: VirtualClock
/** What happened to the socket, and what was written to it. */
let socket: { readonly calls: string[]; wire: string }

beforeEach(() => {
  clock = new VirtualClock()
  socket = { calls: [], wire: '' }
})

function reader(framing: Framing = 'auto'): MessageTransport {
  return new MessageTransport(
    { framing, clock },
    {
      write: (bytes) => {
        socket.wire += bytes.toString('latin1')
        return true
      },
      defer: setImmediate,
      pause: () => void socket.calls.push('pause'),
      resume: () => void socket.calls.push('resume'),
    },
  )
}

describe('the dialect', () => {
  test.each([
    ['a frame', encodeFrame('hi'), 'frames'],
    ['a line', Buffer.from('hi\n'), 'text'],
    ['an empty frame', encodeFrame(''), 'frames'],
  ])('%s tells it', async (_what, wire, dialect) => {
    const messages = reader()
    messages.push(wire)
    expect(await messages.dialect()).toBe(dialect)
    expect(clock.pending).toBe(0)
  })

  test('silence means text, and what was said before waits for that', async () => {
    const messages = reader()
    messages.send('hello')
    await turn()
    expect(socket.wire).toBe('')
    clock.advance(netLimits.dialectMs)
    expect(await messages.dialect()).toBe('text')
    expect(socket.wire).toBe('hello\n')
  })

  test('bytes that are there when the time is up have the first word (frames were taken for text on a busy machine)', async () => {
    const messages = reader()
    clock.advance(netLimits.dialectMs)
    messages.push(encodeFrame('hi'))
    await turn()
    expect(await messages.dialect()).toBe('frames')
    expect(await messages.receive()).toBe('hi')
  })

  test('is not looked for when it was set', async () => {
    expect(await reader('frames').dialect()).toBe('frames')
    expect(await reader('text').dialect()).toBe('text')
    expect(clock.pending).toBe(0)
  })

  test('a conversation that ends without a byte is text, and leaves no timer', async () => {
    const messages = reader()
    messages.close()
    expect(await messages.dialect()).toBe('text')
    expect(await messages.receive()).toBeUndefined()
    expect(clock.pending).toBe(0)
  })
})

describe('messages', () => {
  test('arrive whole and in order, however the stream is cut', async () => {
    const wire = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(wire, fc.array(fc.nat(60), { maxLength: 10 }), async (texts, cuts) => {
        const bytes = encodeFrames(texts)
        const at = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b)
        const messages = reader('frames')
        for (const [i, from] of at.slice(0, -1).entries()) messages.push(bytes.subarray(from, at[i + 1]))
        messages.end()
        const received: (string | undefined)[] = []
        for (let i = 0; i <= texts.length; i++) received.push(await messages.receive())
        expect(received).toEqual([...texts, undefined])
      }),
    )
  })

  test('one that is waited for is handed over at once', async () => {
    const messages = reader('text')
    const next = messages.receive()
    messages.push(Buffer.from('one\ntwo\n'))
    expect(await next).toBe('one')
    expect(await messages.receive()).toBe('two')
  })

  test('too many that nobody takes pause the socket until there is room', async () => {
    const messages = reader('text')
    messages.push(Buffer.from('x\n'.repeat(netLimits.inboxBytes / 2)))
    expect(socket.calls).toEqual(['pause'])
    for (let taken = 0; taken < netLimits.inboxBytes / 2; taken++) expect(await messages.receive()).toBe('x')
    expect(socket.calls).toEqual(['pause'])
    const next = messages.receive()
    expect(socket.calls).toEqual(['pause', 'resume'])
    messages.push(Buffer.from('y\n'))
    expect(await next).toBe('y')
    expect(socket.calls).toEqual(['pause', 'resume'])
  })

  test('bug: many short messages that nobody took were kept decoded, thirty times as large as they came', async () => {
    const messages = reader('text')
    const wire = Buffer.from('ab\n'.repeat(20_000))
    for (let at = 0; at < wire.length; at += 7) messages.push(wire.subarray(at, at + 7))
    expect(messages.heldBytes).toBeGreaterThanOrEqual(wire.length)
    expect(messages.heldBytes).toBeLessThanOrEqual(2 * wire.length + netLimits.gatherBytes)
    messages.end()
    for (let i = 0; i < 20_000; i++) expect(await messages.receive()).toBe('ab')
    expect(await messages.receive()).toBeUndefined()
    expect(messages.heldBytes).toBe(0)
  })

  test.each([
    ['frames', encodeFrame('x'.repeat(20)), Buffer.from([0, 0, 0, 21])],
    ['text', Buffer.from(`${'x'.repeat(19)}\n`), Buffer.from('x'.repeat(21))],
  ] as const)(
    'a bound that the protocol sets holds for what it has not asked for yet: %s',
    async (framing, good, bad) => {
      const messages = reader(framing)
      messages.maxMessageBytes = 20
      const first = messages.receive()
      messages.push(Buffer.concat([good, good]))
      expect(await first).toBe('x'.repeat(framing === 'text' ? 19 : 20))
      expect(messages.full).toBe(true)
      messages.maxMessageBytes = 10
      await expect(messages.receive()).rejects.toThrow(ProtocolError)
      const other = reader(framing)
      other.maxMessageBytes = 20
      const none = other.receive()
      other.push(bad)
      await expect(none).rejects.toThrow(ProtocolError)
    },
  )

  test('a raised bound lets a paused socket go on', async () => {
    const messages = reader('text')
    messages.maxMessageBytes = 4
    messages.push(Buffer.from('one\ntwo\n'))
    expect(socket.calls).toEqual(['pause'])
    messages.maxMessageBytes = 100
    expect(socket.calls).toEqual(['pause', 'resume'])
  })

  test('an unfinished message holds no more than twice its bytes, and nothing once it is whole or the bound is broken', async () => {
    const messages = reader('frames')
    messages.maxMessageBytes = 8_192
    const next = messages.receive()
    const wire = encodeFrame(Buffer.alloc(8_192))
    for (let at = 0; at < wire.length - 1; at += 100) {
      messages.push(wire.subarray(at, Math.min(at + 100, wire.length - 1)))
      expect(messages.heldBytes).toBeLessThanOrEqual(Math.max(netLimits.gatherBytes, Math.min(8_192, 2 * (at + 100))))
    }
    messages.push(wire.subarray(-1))
    await next
    const none = messages.receive()
    expect(messages.heldBytes).toBe(0)
    messages.push(encodeFrame(Buffer.alloc(8_193)))
    await expect(none).rejects.toThrow(ProtocolError)
    expect(messages.heldBytes).toBe(0)
  })

  describe.each([
    ['a line above the limit', 'text', 'whole\n', `${'x'.repeat(limits.lineBytes)}\n`, 'LINE_TOO_LONG'],
    ['a frame above the limit', 'frames', encodeFrame('whole'), Buffer.from([255, 255, 255, 255]), 'FRAME_TOO_LONG'],
    [
      'the end in the middle of a frame',
      'frames',
      encodeFrame('whole'),
      encodeFrame('x').subarray(0, 4),
      'TRUNCATED_FRAME',
    ],
  ] as const)('%s', (_what, framing, whole, bad, code) => {
    const fault = expect.objectContaining({ name: 'ProtocolError', code })

    test('is told once what came whole has been taken', async () => {
      const messages = reader(framing)
      messages.push(Buffer.concat([Buffer.from(whole), Buffer.from(bad)]))
      messages.end()
      expect(await messages.receive()).toBe('whole')
      await expect(messages.receive()).rejects.toEqual(fault)
    })

    test('is told at once to whoever waits, and nothing after it is read or heard', async () => {
      const messages = reader(framing)
      const next = messages.receive()
      messages.push(Buffer.from(bad))
      messages.end()
      await expect(next).rejects.toEqual(fault)
      expect(messages.full).toBe(true)
      messages.push(Buffer.from(whole))
      await expect(messages.receive()).rejects.toEqual(fault)
      messages.close()
      expect(await messages.receive()).toBeUndefined()
    })
  })

  test('why a conversation ends is told to people only: programs hear it from the protocol', async () => {
    const [person, program] = [reader('text'), reader('frames')]
    person.explain('a line is too long')
    program.explain('a frame is too long')
    for (const messages of [person, program]) messages.close()
    expect(socket.wire).toBe('netlab: a line is too long\n')
  })
})

describe('answers', () => {
  test('of one turn of the loop go in one write', async () => {
    const messages = reader('frames')
    messages.send('a')
    messages.send('b')
    expect(socket.wire).toBe('')
    await turn()
    expect(socket.wire).toBe(encodeFrames(['a', 'b']).toString('latin1'))
  })

  test('that wait when the conversation ends go out before it', () => {
    const messages = reader('text')
    messages.send('last words')
    messages.close()
    expect(socket.wire).toBe('last words\n')
  })
})

describe('a TLS handshake', () => {
  test.each(['auto', 'text'] as const)('is answered in TLS, and nothing of it is delivered (%s)', async (framing) => {
    const messages = reader(framing)
    messages.send('Name:')
    messages.push(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]))
    await expect(messages.receive()).rejects.toMatchObject({ code: 'TLS' })
    messages.explain('an explanation')
    messages.close()
    await turn()
    expect(socket.wire).toBe(Buffer.from(tlsRefusal).toString('latin1'))
  })
})

describe('an HTTP request', () => {
  const sentence = 'This is a netlab server, not a web server. Talk to it with "netlab connect HOST PORT".\n'
  const requests = [
    ['GET', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['POST', 'POST /login HTTP/1.0\r\n\r\nAda\r\npassword\r\n'],
    ['HEAD', 'HEAD /favicon.ico HTTP/1.1\r\n'],
    ['PRI', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\n'],
    ['GET', 'GET http://example.com/ HTTP/1.1\r\n'],
    ['GET', 'GET /\n'],
    ['get', 'get index.html HTTP/1.0\r\n'],
    ['X', 'X / HTTP/1.1\r\n'],
  ] as const

  /** What came of it, once the protocol has let the fault pass. */
  async function refused(messages: MessageTransport): Promise<void> {
    await expect(messages.receive()).rejects.toMatchObject({ code: 'HTTP' })
    messages.explain('an HTTP request')
    messages.close()
  }

  test.each(requests)('%s is answered in HTTP, and nothing of it is delivered: %j', async (method, request) => {
    const messages = reader()
    messages.send('Name:')
    messages.push(Buffer.from(request))
    await expect(messages.dialect()).rejects.toMatchObject({ code: 'HTTP' })
    await refused(messages)
    await turn()
    const [head = '', body] = socket.wire.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual(
      expect.arrayContaining(['HTTP/1.1 400 Bad Request', `Content-Length: ${sentence.length}`, 'Connection: close']),
    )
    expect(body).toBe(method === 'HEAD' ? '' : sentence)
  })

  test.each(requests)('%s is the same byte by byte: %j', async (_method, request) => {
    const messages = reader()
    messages.send('Name:')
    for (const byte of Buffer.from(request)) {
      messages.push(Buffer.from([byte]))
      await turn()
    }
    await refused(messages)
    expect(socket.wire).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  test('without an end of its line is one too', async () => {
    const messages = reader()
    messages.push(Buffer.from('GET / HTTP/1.0'))
    messages.end()
    await refused(messages)
    expect(socket.wire).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  test('that comes after the greeting of somebody who was silent ends it all the same', async () => {
    const messages = reader()
    messages.send('Name:')
    clock.advance(netLimits.dialectMs)
    expect(await messages.dialect()).toBe('text')
    messages.push(Buffer.from('GET / HTTP/1.1\r\n'))
    await refused(messages)
    expect(socket.wire).toMatch(/^Name:\nHTTP\/1\.1 400 Bad Request\r\n/)
  })

  test.each([[['\r\n\r\nGET / HTTP/1.1\r\n']], [['\r\n', 'GE', 'T / HTTP/1.1\r\n']]])(
    'that comes after empty lines ends it: %j',
    async (pieces) => {
      const messages = reader()
      for (const piece of pieces) messages.push(Buffer.from(piece))
      await refused(messages)
      expect(socket.wire).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    },
  )

  test.each(['hello\n', 'GET well soon\n', 'Ada /x\n', '\n'])('%j is none', async (line) => {
    const messages = reader()
    messages.push(Buffer.from(line))
    expect(await messages.dialect()).toBe('text')
    expect(await messages.receive()).toBe(line.trimEnd())
  })

  test('is a line like others where it is not the first one, and in frames', async () => {
    const messages = reader()
    messages.push(Buffer.from('hello\nGET / HTTP/1.1\n'))
    expect([await messages.receive(), await messages.receive()]).toEqual(['hello', 'GET / HTTP/1.1'])
    const frames = reader()
    frames.push(encodeFrame('GET / HTTP/1.1'))
    expect(await frames.receive()).toBe('GET / HTTP/1.1')
  })
})
