import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Random } from '../../../src/base/random.ts'
import { LossSample } from '../../../src/scan/pacing/interval.ts'
import { portOrder, RetryQueue, type SilentPort } from '../../../src/scan/pacing/probe-queue.ts'
import { type QueueAdvice, QueueingDelay } from '../../../src/scan/pacing/queueing-delay.ts'
import { HostRtt } from '../../../src/scan/pacing/rtt.ts'

describe('round-trip time', () => {
  test('follows RFC 6298 section 2', () => {
    const rtt = new HostRtt()
    expect(rtt.timeoutMs(1)).toBe(1000)
    rtt.sample(200)
    expect([rtt.smoothedMs, rtt.expectedMs]).toEqual([200, 600])
    rtt.sample(280)
    // rttvar = 3/4 · 100 + 1/4 · 80, srtt = 7/8 · 200 + 1/8 · 280
    expect([rtt.smoothedMs, rtt.expectedMs]).toEqual([210, 590])
  })

  test.each([
    [0.1, 1, 100],
    [0.1, 2, 150],
    [300, 2, 1250],
    [800, 1, 2400],
    [940, 2, 2820],
  ])('%d ms, attempt %d: waits %d ms', (sampleMs, attempt, timeoutMs) => {
    const rtt = new HostRtt()
    rtt.sample(sampleMs)
    expect(rtt.timeoutMs(attempt)).toBe(timeoutMs)
  })
})

describe('an answer that may be to the SYN that the kernel sends again after a second', () => {
  const sampled = (...all: readonly number[]) => {
    const rtt = new HostRtt()
    return { rtt, taken: all.map((sampleMs) => rtt.sample(sampleMs)) }
  }

  test('says nothing beside others that came at once, however many', () => {
    const { rtt, taken } = sampled(20, ...Array.from({ length: 20 }, () => 1021), 20)
    expect(taken.slice(1, -1)).not.toContain(true)
    expect(rtt.smoothedMs).toBe(20)
  })

  test('is believed where nothing comes earlier, and waited for longer', () => {
    const { rtt, taken } = sampled(1100, 1200, 1150, 1250)
    expect(taken).toEqual([false, false, true, true])
    expect(rtt.timeoutMs(1)).toBeGreaterThan(1250)
    expect(rtt.timeoutMs(2)).toBeLessThanOrEqual(3000)
  })

  test('is believed where a queue grew up to it', () => {
    expect(sampled(200, 400, 600, 800, 900, 940, 960, 1000, 1050).taken).not.toContain(false)
  })

  test('was believed by mistake: one that comes at once puts it right', () => {
    expect(sampled(1020, 1021, 1020, 20, 21).rtt.smoothedMs).toBeLessThan(25)
  })
})

describe('the order of ports', () => {
  test('is every port once, the promising first, and the same every time', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 300 }), (ports) => {
        const order = [...portOrder(ports)]
        expect(order.toSorted((a, b) => a - b)).toEqual(ports.toSorted((a, b) => a - b))
        expect([...portOrder(ports)]).toEqual(order)
      }),
    )
    expect([...portOrder([1, 2, 22, 3, 443])].slice(0, 2)).toEqual([443, 22])
  })
})

describe('the retry queue', () => {
  test('is first in, first out, as it grows and wraps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 12 }), (runs) => {
        const queue = new RetryQueue()
        const into: SilentPort = { host: 0, port: 0, attempts: 0, interval: 0, doubt: 0 }
        let pushed = 0
        let shifted = 0
        runs.forEach((run, turn) => {
          for (let each = 0; each < run; each++)
            if (turn % 3 === 2) {
              if (queue.shift(into)) expect([into.host, into.port]).toEqual([shifted, shifted++ % 65_536])
            } else queue.push(pushed, pushed++ % 65_536, 1, 7, 0.5)
        })
        expect(queue.length).toBe(pushed - shifted)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a loss sample', () => {
  function of(sent: number, answered: number, chance = 1): LossSample {
    const sample = new LossSample()
    for (let each = 0; each < sent; each++) sample.count(chance)
    for (let each = 0; each < answered; each++) sample.arrived()
    return sample
  }

  test.each([
    ['nothing sent', of(0, 0), false],
    ['one lost', of(1, 0), false],
    ['three of ten lost', of(10, 7), false],
    ['all of ten lost', of(10, 0), true],
    ['a tenth of a hundred lost', of(100, 90), false],
    ['a fifth of a hundred lost', of(100, 80), true],
    ['what chance explains', of(40, 15, 0.5), false],
    ['what chance does not explain', of(400, 120, 0.5), true],
  ])('%s', (_, sample, showsLoss) => {
    expect(sample.showsLoss).toBe(showsLoss)
  })
})

interface Path {
  /** Probes per second that the path serves; what comes faster waits. */
  readonly serves?: number
  readonly jitterMs?: number
  /** From this probe on each answer takes so much longer. */
  readonly slower?: { readonly from: number; readonly byMs: number }
}

/** Sends `count` probes at `rate`, lowered as advised, and tells what was advised after how many probes. */
function watched({ serves = Number.POSITIVE_INFINITY, jitterMs = 0, slower }: Path, rate: number, count = 3000) {
  const queue = new QueueingDelay()
  const random = new Random(1)
  const advised: { readonly after: number; readonly advice: QueueAdvice }[] = []
  const arrivals: { readonly serial: number; readonly sentMs: number; readonly excessMs: number }[] = []
  let pace = rate
  let freeMs = 0
  let nowMs = 0
  for (let serial = 1; serial <= count; serial++) {
    nowMs += 1000 / pace
    freeMs = Math.max(freeMs, nowMs) + 1000 / serves
    const laterMs = slower !== undefined && serial >= slower.from ? slower.byMs : 0
    const excessMs = freeMs - nowMs + laterMs + (random.below(1000) / 1000) * jitterMs
    arrivals.push({ serial, sentMs: nowMs, excessMs })
    arrivals.sort((a, b) => a.sentMs + a.excessMs - b.sentMs - b.excessMs)
    for (let first = arrivals[0]; first !== undefined && first.sentMs + first.excessMs <= nowMs; first = arrivals[0]) {
      arrivals.shift()
      const advice = queue.record({ ...first, host: 0, unexplainedExcessMs: 150 }, nowMs, serial)
      if (advice === undefined) continue
      advised.push({ after: serial, advice })
      pace = advice.kind === 'drain' ? advice.servedRate * 0.3 : rate / 4
    }
  }
  return advised
}

describe('a queue on the way', () => {
  test('is noticed while it fills, with what it serves, and told when it is gone', () => {
    const [drain, drained] = watched({ serves: 500 }, 1000)
    expect([drain?.advice.kind, drained?.advice.kind]).toEqual(['drain', 'drained'])
    expect(drain?.after).toBeLessThan(700)
    const { servedRate = 0 } = { servedRate: 0, ...drain?.advice }
    expect(Math.abs(servedRate - 500)).toBeLessThan(25)
  })

  test('is not seen in jitter, however wide', () => {
    expect(watched({ jitterMs: 900 }, 1000)).toEqual([])
  })

  test('is not seen where all that is sent is served', () => {
    expect(watched({ serves: 1100 }, 1000)).toEqual([])
  })

  test('that does not become shorter is a path that became slower', () => {
    const advised = watched({ slower: { from: 1000, byMs: 400 } }, 1000)
    expect(advised.slice(0, 3).map(({ advice }) => advice.kind)).toEqual(['drain', 'drain', 'slower-path'])
  })

  test('of which nothing is heard any more is not waited for, and what it served is the limit', () => {
    const queue = new QueueingDelay()
    const arrive = (serial: number, excessMs: number): QueueAdvice | undefined =>
      queue.record({ serial, host: 0, sentMs: serial, excessMs, unexplainedExcessMs: 150 }, serial + excessMs, serial)
    const kinds = Array.from({ length: 200 }, (_, serial) => arrive(serial, serial < 100 ? 0 : 300)?.kind)
    expect(kinds.filter((kind) => kind !== undefined)).toEqual(['drain'])
    expect(queue.advance(5000)).toBeUndefined()
    expect(queue.advance(10_000)).toMatchObject({ kind: 'drained' })
  })

  test('bug: was taken for gone when another host answered, whose fastest answer had waited in it as well', () => {
    const queue = new QueueingDelay()
    const arrive = (serial: number, host: number, excessMs: number): QueueAdvice | undefined =>
      queue.record({ serial, host, sentMs: serial, excessMs, unexplainedExcessMs: 150 }, serial + excessMs, serial)
    const kinds = Array.from({ length: 400 }, (_, serial) =>
      serial < 200 ? arrive(serial, 1, serial < 100 ? 0 : 300)?.kind : arrive(serial, 2, 0)?.kind,
    )
    expect(kinds.filter((kind) => kind !== undefined)).toEqual(['drain'])
  })
})
