import { createServer, type Server } from 'node:net'
import { constants } from 'node:os'
import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { systemClock } from '../../src/base/clock.ts'
import { AwakeClock } from '../../src/scan/awake-clock.ts'
import { chooseEngine, type EngineChoice } from '../../src/scan/engines/choose.ts'
import {
  CONNECTED,
  type MakeEngine,
  SELF_CONNECTED,
  type Settled as SettledBy,
  SILENT,
  STALLED,
} from '../../src/scan/engines/engine.ts'
import { socketAddress } from '../../src/scan/engines/libc-binding.ts'
import { scanLimits } from '../../src/scan/limits.ts'
import { classify } from '../../src/scan/outcome.ts'
import { Prober, TimerWheel } from '../../src/scan/prober.ts'
import { CommandRing, type ProbeCommand, ResultRing } from '../../src/scan/workers/rings.ts'

const servers: Server[] = []

async function listen(host: string, greet = ''): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (greet !== '') socket.write(greet)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

interface Settled {
  readonly ticket: number
  readonly outcome: number
  readonly rttMs: number
  readonly banner: string | undefined
}

/** Longer than any machine stalls; nothing here waits for it. */
const ampleMs = 60_000

/** Probes all ports at once and resolves when each has settled. */
function probe(engine: EngineChoice, address: string, ports: readonly number[], timeoutMs = ampleMs, bannerMs = 0) {
  return new Promise<Settled[]>((resolve) => {
    const all: Settled[] = []
    const prober = new Prober(
      ports.length,
      engine.make,
      new AwakeClock(systemClock),
      (ticket, outcome, rttMs, banner) => {
        all.push({ ticket, outcome, rttMs, banner: banner && Buffer.from(banner).toString() })
        if (all.length < ports.length) return
        prober.close()
        resolve(all.toSorted((a, b) => a.ticket - b.ticket))
      },
    )
    const family = address.includes(':') ? 6 : 4
    for (const [ticket, port] of ports.entries()) prober.send(ticket, { address, family }, port, timeoutMs, bannerMs)
  })
}

function states(settled: readonly Settled[]): string[] {
  return settled.map(({ outcome }) => {
    const answer = classify(outcome)
    return answer.kind === 'answer' ? answer.state : answer.kind
  })
}

const libc = await chooseEngine()

/** On a system without libc both rows are `net`; there is nothing else to test there. */
describe.each([await chooseEngine('net'), libc])('the $name engine', (engine) => {
  test.each(['127.0.0.1', '::1'])('tells open from closed on %s', async (address) => {
    const open = [await listen(address), await listen(address)]
    const closed = await listen(address)
    await new Promise((resolve) => servers.pop()?.close(resolve))
    expect(states(await probe(engine, address, [...open, closed]))).toEqual(['open', 'open', 'closed'])
  })

  test('uses a few sockets for many ports', async () => {
    const open = await listen('127.0.0.1')
    const ports = Array.from({ length: 300 }, (_, index) => (index === 150 ? open : 1))
    const found = states(await probe(engine, '127.0.0.1', ports))
    expect(found.filter((state) => state === 'open')).toHaveLength(1)
    expect(found[150]).toBe('open')
  })

  test('measures the round trip', async () => {
    const [settled] = await probe(engine, '127.0.0.1', [await listen('127.0.0.1')])
    expect(settled?.rttMs).toBeGreaterThan(0)
    expect(settled?.rttMs).toBeLessThan(ampleMs)
  })

  test('reads what the service says first', async () => {
    const [settled] = await probe(engine, '127.0.0.1', [await listen('127.0.0.1', '220 hello\r\n')], ampleMs, ampleMs)
    expect(settled?.banner).toBe('220 hello\r\n')
  })

  test('keeps no more of a banner than its limit', async () => {
    const port = await listen('127.0.0.1', 'x'.repeat(100_000))
    const [settled] = await probe(engine, '127.0.0.1', [port], ampleMs, ampleMs)
    expect(settled?.banner).toBe('x'.repeat(512))
  })

  test('a service that says nothing is open without a banner', async () => {
    const [settled] = await probe(engine, '127.0.0.1', [await listen('127.0.0.1')], ampleMs, 50)
    expect(states(settled === undefined ? [] : [settled])).toEqual(['open'])
    expect(settled?.banner).toBeUndefined()
  })

  test('settles nothing after it was closed', async () => {
    const port = await listen('127.0.0.1')
    let settled = 0
    const prober = new Prober(1, engine.make, new AwakeClock(systemClock), () => settled++)
    prober.send(0, { address: '127.0.0.1', family: 4 }, port, 1000, 1000)
    prober.close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(0)
  })
})

test('a timeout is silence, and tells the engine to forget', () => {
  const abandoned: number[] = []
  const settled: number[] = []
  let monotonicMs = 0
  let tick: (() => void) | undefined
  const clock = {
    now: () => 0,
    monotonic: () => monotonicMs,
    after: (_: number, callback: () => void) => {
      tick = callback
      return { cancel: () => {} }
    },
  }
  const make = () => ({
    name: 'net' as const,
    connect: () => {},
    abandon: (ticket: number) => void abandoned.push(ticket),
    poll: () => {},
    close: () => {},
  })
  const prober = new Prober(1, make, new AwakeClock(clock), (_, outcome) => settled.push(outcome))
  prober.send(0, { address: '192.0.2.1', family: 4 }, 80, 100, 0)
  monotonicMs = 500
  tick?.()
  // The machine stalled: what arrived meanwhile is taken up before anything is given up.
  expect(settled).toEqual([])
  tick?.()
  expect([settled, abandoned]).toEqual([[SILENT], [0]])
})

test('a scan that was stopped (Ctrl-Z) and goes on takes neither silence nor times from what was under way', () => {
  let monotonicMs = 0
  let tick: (() => void) | undefined
  let answer: SettledBy | undefined
  const clock = new AwakeClock({
    now: () => 0,
    monotonic: () => monotonicMs,
    after: (_: number, callback: () => void) => {
      tick = callback
      return { cancel: () => {} }
    },
  })
  const make: MakeEngine = (_, settled) => {
    answer = settled
    return { name: 'net', connect: () => {}, abandon: () => {}, poll: () => {}, close: () => {} }
  }
  const settled: (readonly [ticket: number, outcome: number])[] = []
  const prober = new Prober(3, make, clock, (ticket, outcome) => settled.push([ticket, outcome]))
  const host = { address: '192.0.2.1', family: 4 } as const
  for (const ticket of [0, 1]) prober.send(ticket, host, 80, 100, 0)
  monotonicMs += 60_000
  // On going on, an answer may be taken up before the clock is looked at.
  answer?.(0, CONNECTED, 60_000)
  expect(clock.monotonic()).toBe(0)
  prober.send(2, host, 80, 100, 0)
  monotonicMs += 50
  tick?.()
  tick?.()
  expect(settled).toEqual([[0, STALLED]])
  for (let turn = 0; turn < 3; turn++) {
    monotonicMs += 100
    tick?.()
  }
  expect(settled.toSorted(([a], [b]) => a - b)).toEqual([
    [0, STALLED],
    [1, STALLED],
    [2, SILENT],
  ])
  expect(classify(STALLED)).toEqual({ kind: 'local', code: 'STALLED', shortage: false })
})

describe('a socket address', () => {
  test.each([
    ['127.0.0.1', 4, '0200 0000 7f000001 0000000000000000'],
    ['::1', 6, '0a00 0000 00000000 00000000000000000000000000000001 00000000'],
    ['2001:db8::a:0:1', 6, '0a00 0000 00000000 20010db8000000000000000a00000001 00000000'],
    ['::ffff:192.0.2.1', 6, '0a00 0000 00000000 00000000000000000000ffffc0000201 00000000'],
    ['fe80::1%7', 6, '0a00 0000 00000000 fe800000000000000000000000000001 07000000'],
  ] as const)('%s', (address, family, expected) => {
    expect(socketAddress({ address, family }).toString('hex')).toBe(expected.replaceAll(' ', ''))
  })
})

test('a link was not found by its name where a global address of the interface stood before that of the link', () => {
  const entry = { family: 'IPv6', netmask: '', mac: '', internal: false, cidr: null } as const
  const eth7 = [
    { ...entry, address: 'fd00::1', scopeid: 0 },
    { ...entry, address: 'fe80::1', scopeid: 9 },
  ]
  const address = socketAddress({ address: 'fe80::2%eth7', family: 6 }, () => ({ eth7 }))
  expect(address.readUInt32LE(24)).toBe(9)
})

describe('the timer wheel', () => {
  test('expires what is due, once, and nothing else, however far the time jumps', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('arm' as const), timer: fc.nat(19), inMs: fc.integer({ min: 0, max: 4000 }) }),
      fc.record({ kind: fc.constant('disarm' as const), timer: fc.nat(19) }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 5000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let nowMs = 1000
        const wheel = new TimerWheel(20, nowMs)
        const armed = new Map<number, number>()
        for (const one of steps) {
          if (one.kind === 'arm' && !armed.has(one.timer)) {
            armed.set(one.timer, nowMs + one.inMs)
            wheel.arm(one.timer, nowMs + one.inMs)
          } else if (one.kind === 'disarm') {
            armed.delete(one.timer)
            wheel.disarm(one.timer)
          } else if (one.kind === 'pass') {
            nowMs += one.ms
            const due = [...armed].filter(([, atMs]) => atMs <= nowMs).map(([timer]) => timer)
            for (const timer of due) armed.delete(timer)
            const expired: number[] = []
            wheel.expire(nowMs, (timer) => expired.push(timer))
            expect(expired.sort()).toEqual(due.sort())
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})

const { errno } = constants

describe('what an outcome means', () => {
  test.each([
    ['connected', CONNECTED, 'open', 'connected'],
    ['refused', errno.ECONNREFUSED, 'closed', 'refused'],
    ['accepted and reset at once', errno.ECONNRESET, 'open', 'connected'],
    ['no route to the host', errno.EHOSTUNREACH, 'unreachable', 'host-unreachable'],
    ['no route to the network', errno.ENETUNREACH, 'unreachable', 'network-unreachable'],
    ['forbidden', errno.EACCES, 'filtered', 'admin-prohibited'],
  ])('%s', (_, outcome, state, reason) => {
    expect(classify(outcome)).toEqual({ kind: 'answer', state, reason })
  })

  test('only a refusal is closed: no other error number there is', () => {
    const closed = Object.values(errno).filter((number) => {
      const answer = classify(number)
      return answer.kind === 'answer' && answer.state === 'closed'
    })
    expect(closed).toEqual([errno.ECONNREFUSED])
  })

  test.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'EAGAIN', 'ENOMEM'] as const)(
    '%s is a shortage of ours',
    (code) => {
      expect(classify(errno[code])).toEqual({ kind: 'local', code, shortage: true })
    },
  )

  test('silence is silence, whoever noticed it', () => {
    expect([classify(SILENT), classify(errno.ETIMEDOUT)]).toEqual([{ kind: 'silence' }, { kind: 'silence' }])
  })

  test('a connect to itself says nothing about the port', () => {
    expect(classify(SELF_CONNECTED)).toEqual({ kind: 'local', code: 'SELF_CONNECT', shortage: false })
  })
})

const host = { address: 'fe80::1%eth0', family: 6 } as const

describe('the ring of commands', () => {
  test('hands every command to exactly one reader, in order, and refuses when it is full', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(800), fc.nat(300), fc.boolean()), { maxLength: 12 }), (turns) => {
        const writer = new CommandRing()
        const readers = [new CommandRing(writer.buffer), new CommandRing(writer.buffer)]
        const seen: ProbeCommand[] = []
        let pushed = 0
        let wrong = 0
        for (const [push, claim, first] of turns) {
          for (let each = 0; each < push; each++) {
            const isRoom = writer.backlog < scanLimits.commandRingEntries
            const isTaken = writer.push(pushed, 7, host, pushed % 65_536, 100, 0)
            if (isTaken !== isRoom) wrong++
            if (isTaken) pushed++
          }
          readers[first ? 0 : 1]?.claim(claim, (command) => seen.push(command))
        }
        expect(wrong).toBe(0)
        expect(writer.backlog).toBe(pushed - seen.length)
        expect(seen.map(({ ticket }) => ticket)).toEqual(Array.from(seen, (_, index) => index))
        expect(seen.every((one) => one.host.address === host.address && one.host.family === 6)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

describe('the ring of results', () => {
  test('gives back what was put in, as often as it wraps', () => {
    const writer = new ResultRing(4)
    const reader = new ResultRing(4, writer.buffer)
    const got: number[][] = []
    for (let turn = 0; turn < 5; turn++) {
      for (let ticket = 0; ticket < 4 - (turn % 2); ticket++) writer.push(ticket, -1, 1.5)
      expect(reader.drain((...one) => got.push(one))).toBe(4 - (turn % 2))
    }
    expect(got).toHaveLength(18)
    expect(got.every(([, outcome, rttMs]) => outcome === -1 && rttMs === 1.5)).toBe(true)
  })
})
