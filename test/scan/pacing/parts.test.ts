import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Evidence } from '../../../src/scan/pacing/evidence.ts'
import { portOrder } from '../../../src/scan/pacing/port-order.ts'
import { RetryQueue, type Waiting } from '../../../src/scan/pacing/retry-queue.ts'
import { RttEstimator } from '../../../src/scan/pacing/rtt.ts'
import { TokenBucket } from '../../../src/scan/pacing/token-bucket.ts'

describe('round-trip time', () => {
  test('follows RFC 6298 section 2', () => {
    const rtt = new RttEstimator()
    expect(rtt.timeoutMs(1)).toBe(1000)
    rtt.sample(200)
    expect([rtt.smoothedMs, rtt.expectedMs]).toEqual([200, 600])
    rtt.sample(280)
    // rttvar = 3/4 · 100 + 1/4 · 80, srtt = 7/8 · 200 + 1/8 · 280
    expect([rtt.smoothedMs, rtt.expectedMs]).toEqual([210, 590])
  })

  test.each([
    [0.1, 1, 100],
    [0.1, 2, 200],
    [300, 2, 1250],
    [800, 1, 2400],
    [940, 2, 2820],
  ])('%d ms, attempt %d: waits %d ms', (sampleMs, attempt, timeoutMs) => {
    const rtt = new RttEstimator()
    rtt.sample(sampleMs)
    expect(rtt.timeoutMs(attempt)).toBe(timeoutMs)
  })
})

describe('an answer that may be to the SYN that the kernel sends again after a second', () => {
  const sampled = (...all: readonly number[]) => {
    const rtt = new RttEstimator()
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

describe('the token bucket', () => {
  test('never lets more through than its rate and one burst', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 10, max: 5000 }), (gapsMs, rate) => {
        const bucket = new TokenBucket(rate, 0)
        let nowMs = 0
        let sent = 0
        for (const gapMs of gapsMs) {
          nowMs += gapMs
          for (; bucket.ready(nowMs); sent++) bucket.take()
        }
        expect(sent).toBeLessThanOrEqual(bucket.burst + (nowMs * rate) / 1000)
      }),
    )
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
        const into: Waiting = { host: 0, port: 0, attempts: 0, epoch: 0, doubt: 0 }
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

describe('evidence', () => {
  function of(sent: number, answered: number, chance = 1): Evidence {
    const evidence = new Evidence()
    for (let each = 0; each < sent; each++) evidence.count(chance)
    for (let each = 0; each < answered; each++) evidence.arrived()
    return evidence
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
  ])('%s', (_, evidence, isShort) => {
    expect(evidence.isShort).toBe(isShort)
  })
})
