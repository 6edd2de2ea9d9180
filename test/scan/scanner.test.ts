import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/base/clock.ts'
import { scan } from '../../src/scan/scanner.ts'
import type { PortResult, PortState, ScanPlan } from '../../src/scan/types.ts'

const servers: Server[] = []

async function listen(server = createServer()): Promise<number> {
  servers.push(server)
  // A scanner resets what it connected to.
  server.on('connection', (socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const host = { address: '127.0.0.1', family: 4 } as const

async function run(plan: Partial<ScanPlan> & Pick<ScanPlan, 'ports'>, signal = new AbortController().signal) {
  const results: PortResult[] = []
  const notices: string[] = []
  const summary = await scan(
    { hosts: [host], hostCount: 1, threads: 1, ...plan },
    {
      clock: systemClock,
      startThread: () => {
        throw new Error('so small a scan needs no thread')
      },
      freeDescriptors: 1000,
      signal,
      observer: {
        result: (result) => results.push(result),
        progress: () => {},
        notice: (sentence) => notices.push(sentence),
      },
    },
  )
  const count = (state: PortState): number => results.filter((result) => result.state === state).length
  return { results, notices, summary, count }
}

describe('scan', () => {
  test('finds what listens and what refuses', async () => {
    const open = await listen()
    const closed = await listen()
    await new Promise((resolve) => servers.pop()?.close(resolve))
    const { results, summary, count } = await run({ ports: [open, closed].sort((a, b) => a - b) })
    expect(results.map(({ port, state, reason }) => ({ port, state, reason }))).toEqual(
      expect.arrayContaining([
        { port: open, state: 'open', reason: 'connected' },
        { port: closed, state: 'closed', reason: 'refused' },
      ]),
    )
    expect(summary).toMatchObject({ complete: true, notScanned: 0 })
    expect([count('open'), count('closed')]).toEqual([1, 1])
  })

  test('a service that closes at once is open', async () => {
    const port = await listen(createServer((socket) => socket.resetAndDestroy()))
    const { results } = await run({ ports: [port] })
    expect(results).toMatchObject([{ port, state: 'open' }])
  })

  test('reads the banner when asked', async () => {
    const port = await listen(createServer((socket) => void socket.end('220 ready\r\n')))
    const { results } = await run({ ports: [port], banner: true })
    expect(results.map(({ banner }) => banner && Buffer.from(banner).toString())).toEqual(['220 ready\r\n'])
  })

  describe('a host that accepts everything', () => {
    const told = /^127\.0\.0\.1 accepts nearly every port \(\d+ of \d+\), as tarpits and port spoofers do; /
    // More than the sample by what may be under way when it is noticed.
    const listeners = () => Promise.all(Array.from({ length: 260 }, () => listen()))

    test.each(['net', 'libc'] as const)('is told early, once, and left when asked to: %s', async (engine) => {
      const ports = (await listeners()).sort((a, b) => a - b)
      const all = await run({ ports, engine })
      expect(all.notices).toEqual([expect.stringMatching(told)])
      expect(all.summary).toMatchObject({ complete: true, notes: [expect.stringMatching('accepts nearly every port')] })
      expect(all.count('open')).toBe(260)
      const left = await run({ ports, engine, concurrency: 10, stopAtTarpit: true })
      expect(left.notices).toEqual([expect.stringMatching(told)])
      expect(left.summary.complete).toBe(false)
      expect(left.summary.notScanned).toBe(260 - left.count('open'))
      expect(left.count('open')).toBeLessThan(150)
      expect(left.summary.notes[0]).toMatch(/without an answer: 127\.0\.0\.1 was left as a tarpit$/)
    })

    test('a host with many open ports among closed ones is none', async () => {
      const ports = [...Array.from({ length: 100 }, (_, index) => index + 1), ...(await listeners())]
      const { notices, summary } = await run({ ports: ports.sort((a, b) => a - b), stopAtTarpit: true })
      expect({ notices, notScanned: summary.notScanned }).toEqual({ notices: [], notScanned: 0 })
    })
  })

  test('the same answers from either engine, and from one that has threads', async () => {
    const open = [await listen(), await listen(), await listen()].sort((a, b) => a - b)
    const ports = [...Array.from({ length: 1000 }, (_, index) => index + 1), ...open]
    const found = async (plan: Partial<ScanPlan>) => {
      const { results, summary, count } = await run({ ports, ...plan })
      expect(summary).toMatchObject({ complete: true, notScanned: 0, notes: [] })
      expect(count('error')).toBe(0)
      return results
        .filter(({ state }) => state === 'open')
        .map(({ port }) => port)
        .sort((a, b) => a - b)
    }
    const chosen = await found({})
    expect(chosen).toEqual(expect.arrayContaining(open))
    expect(await found({ engine: 'net' })).toEqual(chosen)
    expect(await found({ threads: 64 })).toEqual(chosen)
  })

  test('an interrupted scan says what is missing', async () => {
    const { summary } = await run({ ports: [1, 2, 3] }, AbortSignal.abort())
    expect(summary).toMatchObject({ complete: false, notScanned: 3 })
    expect(summary.notes).toEqual(['3 ports without an answer: the scan was interrupted'])
  })

  test('a scan whose time was up is not called interrupted', async () => {
    const timeUp = AbortSignal.abort(new DOMException('', 'TimeoutError'))
    const { summary } = await run({ ports: [1, 2, 3] }, timeUp)
    expect(summary.notes).toEqual(['3 ports without an answer: the time was up'])
  })
})
