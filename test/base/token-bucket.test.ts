import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TokenBucket } from '../../src/base/token-bucket.ts'

test('a burst is free, then one a period', () => {
  const bucket = new TokenBucket(10, 3, 0)
  expect([1, 2, 3, 4].map(() => bucket.tryTake(0))).toEqual([true, true, true, false])
  expect(bucket.tryTake(99)).toBe(false)
  expect(bucket.tryTake(100)).toBe(true)
  expect(bucket.tryTake(100)).toBe(false)
})

test('who takes in any case is told how long to wait, and each one longer', () => {
  const bucket = new TokenBucket(10, 2, 0)
  expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([0, 0, 100, 200])
  // The debt is paid off before there is a token again.
  expect(bucket.tryTake(200)).toBe(false)
  expect(bucket.tryTake(300)).toBe(true)
})

test('a pause saves up no more than the burst', () => {
  const bucket = new TokenBucket(1000, 5, 0)
  expect(Array.from({ length: 10 }, () => bucket.tryTake(60_000)).filter(Boolean)).toHaveLength(5)
})

test('a rate of 0 means no limit', () => {
  const bucket = new TokenBucket(0, 1, 0)
  expect(Array.from({ length: 100 }, () => bucket.take(0))).toEqual(new Array(100).fill(0))
  expect(bucket.ready(0)).toBe(true)
  expect(bucket.tryTake(0)).toBe(true)
})

test('a new rate holds from its moment on, and a smaller burst takes what was saved beyond it', () => {
  const bucket = new TokenBucket(10, 10, 0)
  bucket.setRate(1, 2, 0)
  expect([bucket.ratePerSecond, bucket.burst]).toEqual([1, 2])
  expect([1, 2, 3].map(() => bucket.tryTake(0))).toEqual([true, true, false])
  expect(bucket.tryTake(999)).toBe(false)
  expect(bucket.tryTake(1000)).toBe(true)
})

test('whatever the times, no more goes through than the burst and the rate allow', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (waits, rate, burst) => {
      const bucket = new TokenBucket(rate, burst, 0)
      let nowMs = 0
      let through = 0
      for (const wait of waits) {
        nowMs += wait
        if (bucket.tryTake(nowMs)) through += 1
      }
      expect(through).toBeLessThanOrEqual(burst + (nowMs * rate) / 1000 + 1e-6)
    }),
  )
})

test('a burst is free, then who takes in any case waits one period more each time', () => {
  const bucket = new TokenBucket(10, 3, 0)
  expect([0, 0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([0, 0, 0, 100, 200])
  expect(bucket.take(10_000)).toBe(0)
})

test('who waits as told sends at most the burst and the rate, and everything gets through', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.nat(500), { minLength: 1, maxLength: 200 }),
      (burst, rate, pauses) => {
        const bucket = new TokenBucket(rate, burst, 0)
        let now = 0
        let free = 0
        for (const [index, pause] of pauses.entries()) {
          now = Math.max(now + pause, free)
          expect(index + 1).toBeLessThanOrEqual(burst + 1 + (now * rate) / 1000)
          free = now + bucket.take(now)
        }
      },
    ),
  )
})
