import { describe, expect, test } from '@jest/globals'
import { Random } from '../../../src/scan/pacing/random.ts'
import { type Advice, StandingQueue } from '../../../src/scan/pacing/standing-queue.ts'

interface Path {
  /** Probes per second that the path serves; what comes faster waits. */
  readonly serves?: number
  readonly jitterMs?: number
  /** From this probe on each answer takes so much longer. */
  readonly slower?: { readonly from: number; readonly byMs: number }
}

/** Sends `count` probes at `rate`, lowered as advised, and tells what was advised after how many probes. */
function watched({ serves = Number.POSITIVE_INFINITY, jitterMs = 0, slower }: Path, rate: number, count = 3000) {
  const queue = new StandingQueue()
  const random = new Random(1)
  const advised: { readonly after: number; readonly advice: Advice }[] = []
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
      const advice = queue.heard({ ...first, muchMs: 150 }, nowMs, serial)
      if (advice === undefined) continue
      advised.push({ after: serial, advice })
      pace = advice.kind === 'drain' ? advice.served * 0.3 : rate / 4
    }
  }
  return advised
}

describe('a queue on the way', () => {
  test('is noticed while it fills, with what it serves, and told when it is gone', () => {
    const [drain, drained] = watched({ serves: 500 }, 1000)
    expect([drain?.advice.kind, drained?.advice.kind]).toEqual(['drain', 'drained'])
    expect(drain?.after).toBeLessThan(700)
    const { served = 0 } = { served: 0, ...drain?.advice }
    expect(Math.abs(served - 500)).toBeLessThan(25)
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

  test('of which nothing is heard any more is not waited for', () => {
    const queue = new StandingQueue()
    const arrive = (serial: number, excessMs: number): Advice | undefined =>
      queue.heard({ serial, sentMs: serial, excessMs, muchMs: 150 }, serial + excessMs, serial)
    const kinds = Array.from({ length: 200 }, (_, serial) => arrive(serial, serial < 100 ? 0 : 300)?.kind)
    expect(kinds.filter((kind) => kind !== undefined)).toEqual(['drain'])
    expect(queue.advance(5000)).toBeUndefined()
    expect(queue.advance(10_000)).toEqual({ kind: 'slower-path' })
  })
})
