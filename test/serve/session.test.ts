import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type { Timer } from '../../src/base/clock.ts'
import { limits } from '../../src/base/limits.ts'
import { netLimits } from '../../src/net/limits.ts'
import { echo } from '../../src/protocols/echo.ts'
import { serveLimits } from '../../src/serve/limits.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { defineProtocol } from '../../src/serve/protocol.ts'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'
import { LocalServer } from '../support/local-server.ts'
import { startTestServer } from '../support/test-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const daytime = defineProtocol({
  name: 'daytime',
  summary: 'say what time it is, and leave (RFC 867)',
  defaultPort: 9013,
  create: (_options, { clock }) => ({
    serve(session) {
      session.write(Buffer.from(`${new Date(clock.now()).toUTCString()}\r\n`))
      session.end('exit')
    },
  }),
})

test('a protocol of eleven lines is served', async () => {
  const server = await LocalServer.start(daytime, {}, { clock: new VirtualClock(0) })
  const client = await TestClient.connect(server.port)
  client.end()
  expect((await client.all()).toString()).toBe('Thu, 01 Jan 1970 00:00:00 GMT\r\n')
  await server.close()
})

test('whoever had spoken while the server was stopped (SIGSTOP, a paused machine) was put out as idle', async () => {
  const clock = new VirtualClock()
  const server = await LocalServer.start(echo, { idleTimeout: 1000 }, { clock })
  const client = await TestClient.connect(server.port)
  expect((await client.write('one\n').bytes(4)).toString()).toBe('one\n')
  client.write('two\n')
  // As timers do it: after this, the loop looks at its sockets once before the next immediate.
  setImmediate(() => clock.advance(1000))
  expect((await client.bytes(8)).toString()).toBe('one\ntwo\n')
  client.end()
  expect(await server.event('disconnected')).toMatchObject({ reason: 'peer-closed' })
  await server.close()
})

/** Column `tr` of /proc/net/tcp: the timer that runs for a socket, and when it is due in hundredths of a second. */
const keepAliveTimer = 2

interface SocketTimer {
  readonly timer: number
  readonly dueMs: number
}

/** The timer of the connection from `local` to `remote`, both on loopback, as the kernel sees it. */
function timerOf(local: number, remote: number): SocketTimer | undefined {
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1, -1)) {
    const [, from = '', to = '', , , timer = ''] = line.trim().split(/\s+/)
    if (portOf(from) !== local || portOf(to) !== remote) continue
    const [kind = '', when = ''] = timer.split(':')
    return { timer: Number.parseInt(kind, 16), dueMs: Number.parseInt(when, 16) * 10 }
  }
  return undefined
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}

// Only Linux tells which timers run for a socket.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux(
  'a peer that vanished does not stay for ever: accepted connections are kept alive by TCP, in every thread',
  async () => {
    const { server, port } = await startTestServer()
    try {
      const client = await TestClient.connect(port)
      // The answer shows that the connection has moved to the thread that serves it.
      await client.write('there?').bytes(6)
      const found = timerOf(port, client.socket.localPort ?? 0)
      expect(found?.timer).toBe(keepAliveTimer)
      expect(found?.dueMs).toBeLessThanOrEqual(netLimits.pingMs * netLimits.keepAliveDelay)
      expect(found?.dueMs).toBeGreaterThan(netLimits.pingMs)
      client.destroy()
    } finally {
      await server.stop('test over')
    }
  },
)

const hearing = defineProtocol({
  name: 'hearing',
  summary: 'hears messages out',
  defaultPort: 1,
  create: () => ({
    async serve(session) {
      for (let text = await session.receive(); text !== undefined; text = await session.receive()) session.send(text)
    },
  }),
})

test('the beginning of a first line was lost where it was asked for before it was known to be one', async () => {
  const server = await LocalServer.start(hearing, {}, { clock: new VirtualClock() })
  const client = await TestClient.connect(server.port)
  client.write('ha')
  await server.event('received')
  expect(String(await client.end('lf\n').all())).toBe('half\n')
  await server.close()
})

test.each<[string, Buffer, string | undefined, number]>([
  ['text without a line feed was waited for in silence', Buffer.from('Маша'), 'line', 8],
  ['so was a length of the wrong byte order', Buffer.from('\x05\0\0\0Hello'), 'line', 9],
  ['and a line behind a whole one', Buffer.from('whole\nhalf'), 'line', 4],
  ['a frame that is shorter than it says', Buffer.from('\0\0\0\x08abc'), 'frame', 7],
  ['half a header', Buffer.from('\0\0'), 'frame', 2],
  ['a whole line', Buffer.from('whole\n'), undefined, 0],
])('%s', async (_, said, unit, bytes) => {
  const clock = new VirtualClock()
  const server = await LocalServer.start(hearing, {}, { clock })
  const client = await TestClient.connect(server.port)
  client.write(said)
  await server.event('received')
  // The dialect is known, then the time is up.
  for (const ms of [netLimits.dialectMs, serveLimits.unfinishedMs - netLimits.dialectMs - 1]) {
    clock.advance(ms)
    await turn()
    await turn()
  }
  expect(server.events.filter(({ type }) => type === 'unfinished')).toEqual([])
  for (let sweep = 0; sweep < 2; sweep++) {
    clock.advance(serveLimits.unfinishedSweepMs)
    await turn()
    await turn()
  }
  expect(server.events.filter(({ type }) => type === 'unfinished')).toMatchObject(
    unit === undefined ? [] : [{ unit, bytes }],
  )
  client.end()
  const heard = String(await client.all())
  expect(heard.includes(`A line ends with a line feed ("\\n"); what has come, ${bytes} bytes, waits for it.\n`)).toBe(
    unit === 'line',
  )
  await server.close()
})

const pinged = defineProtocol({
  name: 'pinged',
  summary: 'takes lines, and asks who is silent',
  defaultPort: 1,
  create: () => ({
    async serve(session) {
      session.ping(Buffer.from('{"type":"ping"}\n'))
      for (let text = await session.receive(); text !== undefined; text = await session.receive())
        if (text === 'hello') session.send('hello')
    },
  }),
})

describe('who promised to answer', () => {
  const lookMs = netLimits.pingMs / netLimits.looksPerPing
  const { looksPerPing, looksUntilGone } = netLimits

  async function served(config: Partial<ServeConfig> = {}) {
    const clock = new VirtualClock()
    const server = await LocalServer.start(pinged, { framing: 'text', ...config }, { clock })
    const client = await TestClient.connect(server.port)
    await client.write('hello\n').until('hello\n')
    const look = async (count: number, everyMs = lookMs): Promise<void> => {
      for (let at = 0; at < count; at++) {
        clock.advance(everyMs)
        await turn()
        await turn()
      }
    }
    return { server, client, look }
  }

  test('bug: a client whose network was gone stayed for minutes; it is asked twice and put out, with no answer', async () => {
    const { server, client, look } = await served()
    // Its greeting came since the first look.
    await look(1 + looksUntilGone - 1)
    expect(client.text).toBe('hello\n{"type":"ping"}\n{"type":"ping"}\n')
    expect(server.events.map(({ type }) => type)).not.toContain('disconnected')
    await look(1)
    expect(await server.event('disconnected')).toMatchObject({ reason: 'no-answer' })
    client.destroy()
    await server.close()
  })

  test('a pong keeps a client, is nothing for the log, and no activity', async () => {
    const { server, client, look } = await served({ idleTimeout: 4 * looksPerPing * lookMs })
    const logged = () => server.events.filter(({ type }) => type === 'received' || type === 'sent').length
    const before = logged()
    for (let pings = 1; pings <= 3; pings++) {
      await look(looksPerPing + 1)
      await client.until(() => client.text.split('ping').length > pings)
      client.write('{"type": "pong"}\n')
      const heard = () => server.runner.status()[0]?.received ?? 0
      await turnUntil(() => heard() === 6 + 17 * pings, 'the pong')
    }
    expect(logged()).toBe(before)
    await look(looksPerPing)
    expect(await server.event('disconnected')).toMatchObject({ reason: 'idle' })
    client.destroy()
    await server.close()
  })

  test('bug: a server that was stopped for long (SIGSTOP, a debugger) put everybody out; what they said meanwhile comes first', async () => {
    const { server, client, look } = await served()
    await look(looksUntilGone)
    await look(1, 0)
    client.write('hello\n')
    await look(1, 600_000)
    await client.until(() => client.text.split('hello').length === 3)
    await look(looksPerPing)
    expect(server.events.map(({ type }) => type)).not.toContain('disconnected')
    client.destroy()
    await server.close()
  })
})

test('bug: while it was looked at more peers than one turn takes, a timer without a time kept the loop busy', async () => {
  const delays: number[] = []
  class Watched extends VirtualClock {
    override after(delayMs: number, callback: () => void): Timer {
      delays.push(delayMs)
      return super.after(delayMs, callback)
    }
  }
  const clock = new Watched()
  const server = await LocalServer.start(pinged, { framing: 'text', idleTimeout: 3_600_000 }, { clock })
  const count = 2 * serveLimits.looksPerTurn + 1
  const clients = await Promise.all(Array.from({ length: count }, () => TestClient.connect(server.port)))
  for (const client of clients) client.write('hello\n')
  await Promise.all(clients.map((client) => client.until('hello\n')))
  const all = () => clients.every((client) => client.text.includes('ping'))
  for (let looks = 0; looks < 3 * netLimits.looksPerPing && !all(); looks++) {
    clock.advance(netLimits.pingMs / netLimits.looksPerPing)
    for (let turns = 0; turns < 5; turns++) {
      await turn()
      // Other deadlines are looked at meanwhile.
      clock.advance(serveLimits.sweepMs)
    }
  }
  await turnUntil(all, 'the question to everybody')
  expect(delays.filter((delayMs) => !Number.isFinite(delayMs) || delayMs < 0)).toEqual([])
  for (const client of clients) client.destroy()
  await server.close()
})

test('bug: of a client that took nothing it was never asked whether its TCP is there, and its ghost stayed', async () => {
  const clock = new VirtualClock()
  const server = await LocalServer.start(echo, {}, { clock })
  const asked = jest.spyOn(server.runner, 'readTcp')
  const pass = async (): Promise<void> => {
    for (let looks = 0; looks < 3 * netLimits.looksPerPing; looks++) {
      clock.advance(netLimits.pingMs / netLimits.looksPerPing)
      await turn()
      await turn()
    }
  }
  const client = await TestClient.connect(server.port)
  await client.write('hello\n').bytes(6)
  await pass()
  expect(asked).not.toHaveBeenCalled()
  client.socket.pause()
  client.write(Buffer.alloc(16_777_216, 'x'))
  let heard = 0
  const stalls = () => {
    const before = heard
    heard = server.runner.status()[0]?.received ?? 0
    return heard === before && (server.runner.status()[0]?.queued ?? 0) > 0
  }
  await turnUntil(stalls, 'an echo that nobody takes')
  await pass()
  expect(asked).toHaveBeenCalled()
  // Its system answers for it, so that it stays.
  expect(server.runner.status()).toHaveLength(1)
  client.destroy()
  await server.close()
})

test('who promised nothing is asked nothing', async () => {
  const clock = new VirtualClock()
  const server = await LocalServer.start(echo, {}, { clock })
  const client = await TestClient.connect(server.port)
  await client.write('hello\n').bytes(6)
  for (let looks = 0; looks < 100; looks++) {
    clock.advance(netLimits.pingMs)
    await turn()
    await turn()
  }
  expect(await client.write('still here\n').bytes(17)).toHaveLength(17)
  client.end()
  expect(await server.event('disconnected')).toMatchObject({ reason: 'peer-closed' })
  await server.close()
})

const answerBytes = 8_192
const generous = defineProtocol({
  name: 'generous',
  summary: 'answers more than it is told',
  defaultPort: 1,
  create: () => ({
    async serve(session) {
      for (let text = await session.receive(); text !== undefined; text = await session.receive()) {
        session.send('x'.repeat(answerBytes - 1))
        // Each answer goes out before the next message is taken.
        await turn()
      }
    },
  }),
})

const warnings: Error[] = []
const warned = (warning: Error): void => void warnings.push(warning)
beforeAll(() => void process.on('warning', warned))
afterAll(() => void process.off('warning', warned))

test('bug: whoever asked without reading was read on, its answers filled the memory, and each chunk left a drain listener', async () => {
  const server = await LocalServer.start(generous)
  const count = 300
  const chunks = 30
  const questions = Buffer.from('?\n'.repeat(count))
  const client = connect(server.port, '127.0.0.1')
  try {
    await once(client, 'connect')
    const heard = (): number => server.runner.status()[0]?.received ?? 0
    for (let i = 0; i < chunks; i++) {
      client.write(questions)
      // Long enough for all of it to be answered, were it read.
      for (let turns = 0; turns < 2 * count && heard() <= i * questions.length; turns++) await turn()
    }
    expect(heard()).toBeLessThan(chunks * questions.length)

    client.end()
    let got = 0
    for await (const chunk of client) got += chunk.length
    expect(got).toBe(chunks * count * answerBytes)
  } finally {
    client.destroy()
    await server.close()
  }
  expect(warnings).toEqual([])
})

test('a half-closed peer that does not read is let go when the time to drain is up, and not before', async () => {
  const clock = new VirtualClock()
  const ended = Promise.withResolvers<void>()
  // More than the system's buffers of both ends hold.
  const blocks = 24
  const block = Buffer.alloc(1_048_576)
  const farewell = defineProtocol({
    name: 'farewell',
    summary: 'answers much when the peer has sent its last byte',
    defaultPort: 1,
    create: () => ({
      serve(session) {
        session.bytes({
          portionBytes: netLimits.readBytes,
          chunk: () => undefined,
          end() {
            for (let i = 0; i < blocks; i++) session.write(block)
            session.end('peer-closed')
            ended.resolve()
          },
        })
      },
    }),
  })
  const server = await LocalServer.start(farewell, {}, { clock })
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += serveLimits.closingSweepMs) {
      clock.advance(serveLimits.closingSweepMs)
      await turn()
    }
  }
  try {
    await once(client, 'connect')
    client.end()
    await ended.promise
    await pass(limits.drainMs - serveLimits.closingSweepMs)
    expect(server.runner.status()).toHaveLength(1)
    await pass(3 * serveLimits.closingSweepMs)
    for (let turns = 0; turns < 100 && server.runner.status().length > 0; turns++) await turn()
    expect(server.runner.status()).toEqual([])
    expect(server.events.at(-1)).toMatchObject({ type: 'disconnected', reason: 'peer-closed' })
  } finally {
    client.destroy()
    await server.close()
  }
})
