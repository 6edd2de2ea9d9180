import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import { encodeFrame, encodeFrames } from '../../src/net/frame-codec.ts'
import { netLimits } from '../../src/net/limits.ts'
import { echo } from '../../src/protocols/echo.ts'
import { serveLimits } from '../../src/serve/limits.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'
import { LocalServer } from '../support/local-server.ts'

let server: LocalServer
const clients: TestClient[] = []

async function start(config: Partial<ServeConfig> = {}, peerAddress?: string): Promise<void> {
  server = await LocalServer.start(echo, config, peerAddress === undefined ? {} : { peerAddress })
}

async function connect(): Promise<TestClient> {
  const client = await TestClient.connect(server.port)
  clients.push(client)
  return client
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await server.close()
})

describe('bytes', () => {
  test('2 MB and a half-close: every byte comes back, then FIN', async () => {
    await start()
    const client = await connect()
    const sent = randomBytes(2_000_000)
    sent.forEach((byte, index) => {
      if (byte === 0x0a) sent[index] = 0x0b
    })
    sent[0] = 1
    client.end(sent)
    expect((await client.all()).equals(sent)).toBe(true)
    expect(client.ended).toBe(true)
    expect(await server.event('disconnected')).toMatchObject({
      reason: 'peer-closed',
      received: 2_000_000,
      sent: 2_000_000,
    })
  })

  test('the portion bounds what is read and returned at a time', async () => {
    await start({ options: { portion: 16 } })
    const client = await connect()
    client.end('x'.repeat(100))
    expect((await client.all()).length).toBe(100)
    await server.event('disconnected')
    const sizes = server.events.flatMap((event) => (event.type === 'sent' ? [event.bytes] : []))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100)
  })

  test('a client that never reads stops being read, and loses nothing once it does', async () => {
    await start()
    const client = await connect()
    client.socket.pause()
    const total = 32 * 1024 * 1024
    client.end(Buffer.alloc(total, 'a'))
    const status = () => server.runner.status()[0]
    await turnUntil(() => (status()?.queued ?? 0) > 0, 'a full send queue')
    expect(status()?.queued).toBeLessThanOrEqual(serveLimits.sendQueueBytes + netLimits.readBytes)
    expect(status()?.received).toBeLessThan(total)
    client.socket.resume()
    expect((await client.all()).length).toBe(total)
  })

  test('bytes that wait for a slow reader are not overwritten by what others send (all reads shared one buffer)', async () => {
    await start()
    const total = 16 * 1024 * 1024
    const letters = ['a', 'b', 'c', 'd']
    const all = await Promise.all(letters.map(() => connect()))
    for (const client of all) client.socket.pause()
    for (const [index, client] of all.entries()) client.end(Buffer.alloc(total, letters[index]))
    const waiting = () => server.runner.status().filter(({ queued }) => queued > 0).length
    await turnUntil(() => waiting() === all.length, 'a full send queue of every client')
    for (const client of all) client.socket.resume()
    const received = await Promise.all(all.map((client) => client.all()))
    for (const [index, bytes] of received.entries()) {
      expect(bytes.equals(Buffer.alloc(total, letters[index]))).toBe(true)
    }
  })

  test('two clients do not see each other’s bytes', async () => {
    await start()
    const [one, two] = [await connect(), await connect()]
    one.write('one\n')
    two.write('two\n')
    expect((await one.bytes(4)).toString()).toBe('one\n')
    expect((await two.bytes(4)).toString()).toBe('two\n')
  })
})

describe('exit', () => {
  test.each([
    ['a line', 'hello\nexit\n'],
    ['a line with CR LF', 'exit\r\n'],
    ['a frame', encodeFrame('exit')],
    ['frames in one write', encodeFrames(['hello', 'exit'])],
  ])('%s comes back and ends the conversation', async (_what, wire) => {
    await start()
    const client = await connect()
    client.write(wire)
    expect((await client.all()).equals(Buffer.from(wire))).toBe(true)
    expect(client.ended).toBe(true)
    client.end()
    expect(await server.event('disconnected')).toMatchObject({ reason: 'exit' })
  })

  test('what follows it in the same write is not answered', async () => {
    await start()
    const client = await connect()
    client.write('exit\nmore\n')
    expect((await client.all()).toString()).toBe('exit\n')
  })

  test('the next client is served', async () => {
    await start()
    await (await connect()).write('exit\n').all()
    const next = await connect()
    next.write('still here\n')
    expect((await next.bytes(11)).toString()).toBe('still here\n')
  })
})

describe('stop', () => {
  test('from loopback asks for the end of the server', async () => {
    await start()
    const client = await connect()
    client.write('stop\n')
    expect((await client.all()).toString()).toBe('stop\n')
    expect(server.stopRequests).toEqual(['client 1'])
  })

  test('without a newline at the end of the input, too', async () => {
    await start()
    const client = await connect()
    client.end('stop')
    expect((await client.all()).toString()).toBe('stop')
    expect(server.stopRequests).toEqual(['client 1'])
  })

  test('from elsewhere is refused with a sentence, and the conversation goes on', async () => {
    await start({}, '192.0.2.7')
    const client = await connect()
    client.write('stop\nhello\n')
    expect(await client.until('hello\n')).toMatch(/^stop\nstop refused: .*own machine only.*\nhello\n$/)
    expect(server.stopRequests).toEqual([])
    expect(await server.event('stop-refused')).toMatchObject({ id: 1, rule: 'loopback' })
  })

  test('in a frame is refused in a frame', async () => {
    await start({ allowStop: 'never' })
    const client = await connect()
    client.write(encodeFrame('stop'))
    const wire = await client.bytes(9)
    const answer = (await client.bytes(8 + 4 + wire.readUInt32BE(8))).subarray(8)
    expect(answer.subarray(4).toString()).toMatch(/^stop refused: .*operator only$/)
    expect(answer.readUInt32BE(0)).toBe(answer.length - 4)
  })

  test.each([
    ['a form', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\nstop\n', 'an HTTP request'],
    ['a proxy', 'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nstop\n', 'a PROXY header'],
    ['TLS', Buffer.from('\x16\x03\x01\x02\0\nstop\n', 'latin1'), 'binary data'],
  ])('bug: a web page stopped the server: %s', async (_what, words, looks) => {
    await start({ allowStop: 'any' })
    const client = await connect()
    client.write(words)
    expect(await client.until('first\n')).toContain(`stop refused: what came before it looks like ${looks}; `)
    expect(server.stopRequests).toEqual([])
    expect(await server.event('stop-refused')).toMatchObject({ id: 1, rule: 'foreign' })
    // Nor later, whatever is said meanwhile; and `exit` harms nobody.
    expect((await client.write('hello\nstop\nexit\n').all()).toString()).toMatch(
      /hello\nstop\nstop refused: .*\nexit\n$/,
    )
    expect(server.stopRequests).toEqual([])
  })

  test('from anywhere when the operator allows it', async () => {
    await start({ allowStop: 'any' }, '192.0.2.7')
    await (await connect()).write('stop\n').all()
    expect(server.stopRequests).toEqual(['client 1'])
  })
})

describe('a peer that misbehaves', () => {
  test('a header above the limit ends that conversation when frames are demanded', async () => {
    await start({ framing: 'frames' })
    const bad = await connect()
    bad.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]))
    expect((await bad.all()).length).toBe(0)
    bad.end()
    expect(await server.event('disconnected')).toMatchObject({ reason: 'protocol-error' })
    const good = await connect()
    good.write(encodeFrame('hi'))
    expect((await good.bytes(6)).equals(encodeFrame('hi'))).toBe(true)
  })

  test('a reset ends that conversation only', async () => {
    await start()
    const bad = await connect()
    await bad.write('x').bytes(1)
    bad.reset()
    expect(await server.event('disconnected')).toMatchObject({ reason: 'peer-reset', detail: 'ECONNRESET' })
    const good = await connect()
    good.write('y')
    expect((await good.bytes(1)).toString()).toBe('y')
  })

  test('invalid UTF-8 and control characters come back as they are', async () => {
    await start()
    const client = await connect()
    const wire = Buffer.from([0xff, 0xfe, 0x1b, 0x5b, 0x32, 0x4a, 0x80, 0x0a])
    client.end(wire)
    expect((await client.all()).equals(wire)).toBe(true)
  })
})

test('kick ends one conversation, drain ends all', async () => {
  await start()
  const [one, two] = [await connect(), await connect()]
  await one.write('1').bytes(1)
  await two.write('2').bytes(1)
  expect(server.runner.kick(1)).toBe(true)
  expect(server.runner.kick(99)).toBe(false)
  await one.all()
  expect(two.ended).toBe(false)
  one.end()
  two.socket.on('end', () => two.end())
  await server.runner.drain()
  expect(two.ended).toBe(true)
  const reasons = server.events.flatMap((event) => (event.type === 'disconnected' ? [event.reason] : []))
  expect(reasons).toEqual(['kicked', 'stopping'])
})
