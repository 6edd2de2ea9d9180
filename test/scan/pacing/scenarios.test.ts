import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { RandomOutcome } from '../../../bench/scan/random-thread.ts'
import { Random } from '../../../src/base/random.ts'
import type { SimulatedHost, SimulatedNetwork } from './emulated-network.ts'
import type { SimulationResult } from './simulator.ts'

const thread = new Worker(new URL('./simulator-thread.ts', import.meta.url))
afterAll(() => thread.terminate())

/** One after the other; a test waits for its results before the next one begins. */
async function simulateAll(networks: readonly SimulatedNetwork[]): Promise<readonly SimulationResult[]> {
  thread.postMessage(networks)
  const [results] = await once(thread, 'message')
  return results
}

async function simulate(network: SimulatedNetwork): Promise<SimulationResult> {
  const [result] = await simulateAll([network])
  if (result === undefined) throw new Error('no result')
  return result
}

type Make = (seed: number) => SimulatedNetwork

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function some(count: number, of: readonly number[], seed: number): number[] {
  const random = new Random(seed * 7919)
  const chosen = new Set<number>()
  while (chosen.size < count) chosen.add(of[random.below(of.length)] ?? 0)
  return [...chosen]
}

const few = range(1, 2000)
const many = range(1, 10_000)

/** One host with `count` open ports at random places. */
function host(what: Partial<SimulatedHost>, count = 50, ports = many): Make {
  return (seed) => ({ hosts: [{ open: some(count, ports, seed), ...what }], ports, seed })
}

function with_(make: Make, network: Partial<SimulatedNetwork>): Make {
  return (seed) => ({ ...make(seed), ...network })
}

/** Name, network, seconds at most, and whether the summary must speak of limited refusals. */
const scenarios: readonly (readonly [string, Make, number, 'refusals-limited'?])[] = [
  ['nearby', host({}, 20, range(1, 20_000)), 0.7],
  ['50 ms, the rest refuse', host({ rttMs: 50 }), 0.8],
  ['200 ms and jitter', host({ rttMs: 200, jitterMs: 20 }), 3],
  ['open ports only among the last', (seed) => ({ hosts: [{ open: range(9951, 10_000) }], ports: many, seed }), 1],
  ['default drop', host({ others: 'filtered' }, 10), 6],
  ['default drop, 1 % loss each way', host({ rttMs: 50, loss: 0.01, others: 'filtered' }), 4],
  ['5 % loss each way', host({ rttMs: 80, jitterMs: 20, loss: 0.05 }), 4],
  [
    'default drop, 5 % loss each way',
    host({ rttMs: 80, jitterMs: 20, loss: 0.05, others: 'filtered' }, 20, range(1, 5000)),
    5,
  ],
  ['default drop, 20 % loss each way', host({ rttMs: 80, jitterMs: 20, loss: 0.2, others: 'filtered' }, 10, few), 12],
  ['silent altogether', host({ others: 'filtered' }, 0, few), 5],
  ['1000 SYNs a second', host({ rttMs: 20, synLimit: 1000 }), 11],
  ['200 SYNs a second', host({ rttMs: 20, synLimit: 200 }, 5, few), 14],
  ['default drop, 1000 SYNs a second', host({ rttMs: 20, synLimit: 1000, others: 'filtered' }, 20, few), 16],
  ['bottleneck', with_(host({ rttMs: 20 }), { bottleneck: { rate: 5000, queue: 200 } }), 3],
  ['bottleneck far away', with_(host({ rttMs: 50 }), { bottleneck: { rate: 5000, queue: 200 } }), 2.8],
  ['200 RSTs a second', host({ rttMs: 20, refusalLimit: 200 }), 10, 'refusals-limited'],
  ['200 RSTs a second, nothing open', host({ rttMs: 20, refusalLimit: 200 }, 0, few), 14],
  ['one ICMP a second', host({ rttMs: 20, refusalLimit: 1, others: 'rejected' }, 5), 12],
  ['a stretch of filtered ports', host({ rttMs: 20, filtered: { first: 3001, last: 5999, step: 1 } }), 2],
  ['an outage of 700 ms', with_(host({ rttMs: 20 }), { outageMs: [300, 1000] }), 4],
  [
    'an outage of 700 ms where every other port is filtered',
    with_(host({ rttMs: 20, filtered: { first: 2, last: 10_000, step: 2 } }), { outageMs: [300, 1000] }),
    4.5,
  ],
  ['a path that becomes slower', with_(host({ rttMs: 20 }), { slower: { fromMs: 300, byMs: 300 } }), 5],
  ['a round trip of more than a second', host({ rttMs: 1100, jitterMs: 200 }, 20, few), 9],
  ['default drop, more than a second away', host({ rttMs: 1100, jitterMs: 200, others: 'filtered' }, 20, few), 11],
  [
    'default drop behind a queue of a second',
    with_(host({ rttMs: 20, others: 'filtered' }, 40, range(1, 5000)), { bottleneck: { rate: 1000, queue: 1000 } }),
    35,
  ],
  ['a queue of ten seconds', with_(host({ rttMs: 20 }), { bottleneck: { rate: 2000, queue: 20_000 } }), 7.5],
  [
    'a narrow path with a long queue',
    with_(host({ rttMs: 20 }, 20, few), { bottleneck: { rate: 300, queue: 2000 } }),
    8.5,
  ],
  [
    'default drop behind a queue of ten seconds',
    with_(host({ rttMs: 20, others: 'filtered' }), { bottleneck: { rate: 2000, queue: 20_000 } }),
    40,
  ],
  [
    'default drop behind a bottleneck',
    with_(host({ rttMs: 20, others: 'filtered' }), { bottleneck: { rate: 2000, queue: 30 } }),
    25,
  ],
  ['default drop, two paths', host({ rttMs: 5, slowPathMs: 150, others: 'filtered' }, 20, few), 5],
  [
    'default drop, losses in bursts',
    host({ rttMs: 20, bursts: { begin: 0.002, end: 0.02 }, others: 'filtered' }, 20, few),
    5,
  ],
  ['only each third SYN is answered', host({ rttMs: 10, every: 3 }, 20, few), 7],
  ['default drop, 30 % loss each way', host({ rttMs: 20, loss: 0.3, others: 'filtered' }, 10, few), 10],
  [
    'default drop, a limit with a large burst',
    host({ rttMs: 10, synLimit: 500, synBurst: 1000, others: 'filtered' }, 20, few),
    25,
  ],
  ['few descriptors', with_(host({ rttMs: 20 }), { descriptors: 200 }), 3],
  [
    'twenty hosts, each different',
    (seed) => ({
      hosts: range(1, 20).map((number) => ({
        open: some(5, range(1, 500), seed * 100 + number),
        rttMs: number * 10,
        loss: number % 7 === 0 ? 0.05 : 0,
        others: number % 3 === 0 ? 'filtered' : 'closed',
      })),
      ports: range(1, 500),
      seed,
    }),
    5,
  ],
  [
    'ten hosts, one of them limited',
    (seed) => ({
      hosts: range(1, 10).map((number) => ({
        open: some(5, range(1, 1000), seed * 100 + number),
        rttMs: 20,
        ...(number === 3 ? { synLimit: 300 } : {}),
      })),
      ports: range(1, 1000),
      seed,
    }),
    7,
  ],
]

describe('the pacing, against emulated networks', () => {
  const rows = scenarios.map(([name, make, mostSeconds, expected]) => ({ name, make, mostSeconds, expected }))
  test.each(rows)('$name', async ({ make, mostSeconds, expected }) => {
    for (const seed of [1]) {
      const network = make(seed)
      const { seconds, missed, unsure, errors, closed, silent, found, behaved } = await simulate(network)
      // The seed stands beside the figures, so that a failure can be repeated.
      // Where nothing at all is heard nobody is ever sure.
      const isHeard = found.length + closed > 0
      expect({ seed, missed, unsure: isHeard ? unsure : 0, errors }).toEqual({ seed, missed: [], unsure: 0, errors: 0 })
      expect({ seed, inTime: seconds <= mostSeconds || seconds }).toEqual({ seed, inTime: true })
      expect(found.length + closed + silent).toBe(network.hosts.length * network.ports.length)
      if (expected === 'refusals-limited') expect(behaved['limit-refusals']).toEqual(['0'])
    }
  })

  test('the same network twice gives the same answers in the same time', async () => {
    const make = host({ rttMs: 80, jitterMs: 20, loss: 0.05, others: 'filtered' }, 20, few)
    const [one, two] = await simulateAll([make(3), make(3)])
    expect(one).toBeDefined()
    expect(two).toEqual(one)
  })

  test('bug: a reference probe followed the last answer, so that a scan of one port was two connections', async () => {
    const outcomes = await simulateAll([host({}, 1, [80])(1), host({}, 0, [80])(1)])
    expect(outcomes.map(({ probes }) => probes)).toEqual([1, 1])
  })

  test.each([
    ['twenty hosts, each different', [10, 736, 843]],
    ['default drop, 5 % loss each way', [13, 15, 16]],
  ])('lost reference probes were counted long after those answered, and open ports missed: %s', async (name, seeds) => {
    const make = scenarios.find(([title]) => title === name)?.[1]
    const outcomes = await simulateAll(seeds.flatMap((seed) => make?.(seed) ?? []))
    expect(outcomes.map(({ missed }) => missed)).toEqual(seeds.map(() => []))
  })

  test('a path that drops above a limit is not taken for a host that holds back refusals', async () => {
    const outcomes = await simulateAll([3, 9].map((seed) => host({ rttMs: 20, synLimit: 1000 })(seed)))
    expect(outcomes.flatMap(({ behaved }) => behaved['limit-refusals'])).toEqual([])
  })

  test('a limit was taken for random loss, by few reference probes, and silence behind it proved nothing', async () => {
    const make = host({ rttMs: 20, synLimit: 1000, others: 'filtered' }, 20, few)
    const outcomes = await simulateAll([39, 75, 81].map(make))
    expect(outcomes.map(({ missed, unsure }) => [missed, unsure])).toEqual(outcomes.map(() => [[], 0]))
    expect(Math.max(...outcomes.map(({ seconds }) => seconds))).toBeLessThan(12)
  })

  test('answers that came later than a first attempt waits counted as heard: ports behind a growing queue were missed', async () => {
    const others = { others: 'filtered', rttMs: 20 } as const
    const make = with_(host(others, 40, range(1, 5000)), { bottleneck: { rate: 1000, queue: 1000 } })
    const seeds = [10, 23]
    const outcomes = await simulateAll(seeds.map(make))
    expect(outcomes.map(({ missed }) => missed)).toEqual(seeds.map(() => []))
  })

  test('what was silent while nothing at all came back was believed, as few reference probes were sent in each interval', async () => {
    const make = with_(host({ rttMs: 5, synLimit: 1000 }, 50, range(1, 1000)), {
      bottleneck: { rate: 1000, queue: 20_000 },
    })
    const seeds = [2, 3, 4]
    const outcomes = await simulateAll(seeds.map(make))
    expect(outcomes.map(({ missed }) => missed)).toEqual(seeds.map(() => []))
  })

  test('a host that refuses what is too much for it, open ports included, is not called complete', async () => {
    const liar = { rttMs: 10, synLimit: 500, synBurst: 50, refusesAbove: true }
    const { missed, behaved } = await simulate(host(liar, 40, range(1, 5000))(1))
    expect(missed.length).toBeGreaterThan(0)
    expect(behaved['refuse-open-ports']).toEqual(['0'])
  })

  test('a port that was open once and refuses from then on is a service that has ended', async () => {
    const { found, closed, seconds, behaved } = await simulate(
      host({ rttMs: 10, opensOnce: true }, 40, range(1, 5000))(1),
    )
    expect([found.length, closed]).toEqual([40, 4960])
    expect(behaved['refuse-open-ports']).toEqual([])
    expect(seconds).toBeLessThan(3)
  })

  test('one lucky answer among the first does not hold the rate of a silent host down', async () => {
    const { seconds, missed } = await simulate(host({ others: 'filtered' }, 10, range(1, 65_535))(2))
    expect(missed).toEqual([])
    expect(seconds).toBeLessThan(8)
  })

  test('a rate, a timeout and retries set by hand are kept', async () => {
    const plan = { rate: 500, retries: 0, timeoutMs: 300 }
    const { seconds, probes, retries } = await simulate({ ...host({ others: 'filtered' }, 0, few)(1), plan })
    expect({ probes, retries }).toEqual({ probes: 2000, retries: 0 })
    expect(seconds).toBeGreaterThan(3.9)
    expect(seconds).toBeLessThan(4.5)
  })

  test.each([
    ['the rest refuse', {}],
    ['default drop', { others: 'filtered' }],
  ] as const)('a host that went away for good made the scan crawl for minutes: %s', async (_, what) => {
    const gone = await simulate({ ...host({ rttMs: 20, ...what })(1), outageMs: [300, Number.POSITIVE_INFINITY] })
    expect(gone.told).toEqual(['0 silent', '0 gone'])
    expect(gone.seconds).toBeLessThan(50)
    expect(gone.unheard).toBeGreaterThan(0)
    expect(gone.found.length + gone.closed + gone.silent + gone.unheard).toBe(many.length)
    expect(gone.behaved['stopped-answering']).toEqual(['0'])
  })

  test('ports tried while a host fell silent were called filtered, as few reference probes are sent where all ports answer', async () => {
    const network = { hosts: [{ open: [2001] }], ports: range(1, 2001), plan: { rate: 1000 } }
    const outages = await simulateAll([1903, 1920].map((ms) => ({ ...network, outageMs: [ms, ms + 8000], seed: 109 })))
    expect(outages.map(({ silent }) => silent)).toEqual([0, 0])
  })

  test('a host that is back after ten seconds is scanned to the end at once', async () => {
    const outageMs = 10_000
    const { told, missed, closed, unsure, unheard, seconds, behaved } = await simulate({
      ...host({ rttMs: 20 })(1),
      outageMs: [300, 300 + outageMs],
    })
    expect({ told, missed, closed, unsure, unheard }).toEqual({
      ...{ told: ['0 silent', '0 back'], missed: [], closed: many.length - 50, unsure: 0, unheard: 0 },
    })
    expect(seconds).toBeLessThan(outageMs / 1000 + 2)
    expect(behaved['stopped-answering']).toEqual([])
  })
})

describe('forty random networks', () => {
  const outcomes: RandomOutcome[] = []

  beforeAll(async () => {
    const random = new Worker(new URL('../../../bench/scan/random-thread.ts', import.meta.url))
    for (const seed of range(90_001, 90_040)) {
      random.postMessage(seed)
      const [outcome] = await once(random, 'message')
      outcomes.push(outcome)
    }
    await random.terminate()
  })

  const seedsOf = (of: (outcome: RandomOutcome) => boolean): number[] => outcomes.filter(of).map(({ seed }) => seed)

  test('none is called complete while something is missed', () => {
    expect(seedsOf(({ complete, missed }) => complete && missed > 0)).toEqual([])
  })

  test('few are in doubt without need', () => {
    expect(seedsOf(({ complete, missed }) => !complete && missed === 0).length).toBeLessThanOrEqual(6)
  })

  test('nearly all open ports are found', () => {
    const missed = outcomes.reduce((sum, one) => sum + one.missed, 0)
    const open = outcomes.reduce((sum, one) => sum + one.open, 0)
    expect(open).toBeGreaterThan(1000)
    expect(missed / open).toBeLessThan(0.003)
  })

  test('all but one end within three times the ideal and ten seconds', () => {
    const late = seedsOf(({ seconds, idealSeconds }) => seconds > 3 * idealSeconds + 10)
    expect(late.length <= 1 || late).toBe(true)
    expect(seedsOf(({ ended }) => !ended)).toEqual([])
  })
})
