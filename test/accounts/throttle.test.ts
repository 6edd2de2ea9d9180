import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { affordableHashes, HashQueue } from '../../src/accounts/hash-queue.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import { Throttle } from '../../src/accounts/throttle.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('the throttle', () => {
  test.each([
    ['account', accountLimits.accountThrottle, [0, 0, 0, 500, 1000, 2000, 4000, 8000, 8000, 8000]],
    ['source', accountLimits.sourceThrottle, [0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]],
  ])('of an %s lets it wait longer with each failure, up to a bound', (_, rule, waits) => {
    const clock = new VirtualClock()
    const throttle = new Throttle(rule, clock)
    const seen = waits.map(() => {
      throttle.failed('ada')
      const wait = throttle.waitMs('ada')
      clock.advance(wait)
      expect(throttle.waitMs('ada')).toBe(0)
      return wait
    })
    expect(seen).toEqual(waits)
    expect(throttle.waitMs('bob')).toBe(0)
  })

  test('forgets with success, and one failure a minute with time', () => {
    const clock = new VirtualClock()
    const throttle = new Throttle(accountLimits.accountThrottle, clock)
    for (let n = 0; n < 5; n++) throttle.failed('ada')
    clock.advance(2 * 60_000)
    throttle.failed('ada')
    expect(throttle.waitMs('ada')).toBe(500)
    throttle.succeeded('ada')
    throttle.failed('ada')
    expect(throttle.waitMs('ada')).toBe(0)
  })

  test('never makes anyone wait longer than the maximum, whatever is tried', () => {
    const attempts = fc.array(fc.tuple(fc.nat(3), fc.nat(90_000)), { maxLength: 200 })
    fc.assert(
      fc.property(attempts, (steps) => {
        const clock = new VirtualClock()
        const throttle = new Throttle(accountLimits.sourceThrottle, clock)
        for (const [key, ms] of steps) {
          throttle.failed(String(key))
          expect(throttle.waitMs(String(key))).toBeLessThanOrEqual(accountLimits.sourceThrottle.maxMs)
          clock.advance(ms)
        }
        clock.advance(accountLimits.sourceThrottle.maxMs)
        for (const key of '0123') expect(throttle.waitMs(key)).toBe(0)
      }),
    )
  })

  test('remembers a bounded number of keys, those that failed last', () => {
    const throttle = new Throttle({ ...accountLimits.accountThrottle, free: 0 }, new VirtualClock(), 100)
    for (let n = 0; n < 1000; n++) throttle.failed(`guess ${n}`)
    expect(throttle.size).toBe(100)
    expect([throttle.waitMs('guess 899'), throttle.waitMs('guess 900')]).toEqual([0, 500])
  })
})

/** Work that ends when it is told to. */
function job() {
  const gate = Promise.withResolvers<string>()
  let began = false
  return {
    work: () => {
      began = true
      return gate.promise
    },
    get began() {
      return began
    },
    end: (value = 'x') => gate.resolve(value),
    fail: (error: Error) => gate.reject(error),
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the hash queue', () => {
  test('runs as many as it is wide, and the others in order', async () => {
    const queue = new HashQueue(2, new VirtualClock())
    const jobs = [job(), job(), job(), job()]
    const turns = jobs.map(({ work }) => queue.run(work))
    await settle()
    expect(jobs.map(({ began }) => began)).toEqual([true, true, false, false])
    jobs[1]?.end('second')
    expect(await turns[1]).toEqual({ kind: 'done', value: 'second' })
    await settle()
    expect(jobs.map(({ began }) => began)).toEqual([true, true, true, false])
    for (const { end } of jobs) end()
    await Promise.all(turns)
    expect([queue.running, queue.waiting]).toEqual([0, 0])
  })

  test('says busy, and for how long, when too many wait', async () => {
    const clock = new VirtualClock()
    const queue = new HashQueue(1, clock)
    const jobs = Array.from({ length: accountLimits.waitingHashes + 1 }, () => job())
    const turns = jobs.map(({ work }) => queue.run(work))
    // 256 × 33 ms, half of it.
    expect(await queue.run(job().work)).toEqual({ kind: 'busy', retryMs: 4224 })
    for (const { end } of jobs) end()
    expect((await Promise.all(turns)).every(({ kind }) => kind === 'done')).toBe(true)
    expect(await queue.run(async () => 1)).toEqual({ kind: 'done', value: 1 })
  })

  // A quarter of 256 × the estimate, which starts at 33 ms and moves by a sixteenth of the difference with each hash.
  test.each<[number[], number]>([
    [[], 2112],
    [[33], 2112],
    [[193], 2752],
    [[193, 203], 3392],
    [[193, 203, 37], 3328],
    [Array(11).fill(0), 1039],
    [Array(12).fill(0), 1000],
  ])('after hashes of %j ms tells those who find no room to wait for %i ms', async (took, retryMs) => {
    const clock = new VirtualClock()
    const queue = new HashQueue(2, clock)
    for (const ms of took) await queue.run(async () => clock.advance(ms))
    for (let n = 0; n < accountLimits.waitingHashes + 2; n++) void queue.run(job().work)
    expect(await queue.run(job().work)).toEqual({ kind: 'busy', retryMs })
  })

  test('gives the place of a client that left to the next', async () => {
    const queue = new HashQueue(1, new VirtualClock())
    const [first, second, third] = [job(), job(), job()]
    const leaving = new AbortController()
    const turns = [queue.run(first.work), queue.run(second.work, leaving.signal), queue.run(third.work)]
    await settle()
    expect(queue.waiting).toBe(2)
    leaving.abort()
    expect(await turns[1]).toEqual({ kind: 'left' })
    expect(queue.waiting).toBe(1)
    first.end()
    await settle()
    expect([second.began, third.began]).toEqual([false, true])
    third.end()
    await Promise.all(turns)
    expect(await queue.run(job().work, AbortSignal.abort())).toEqual({ kind: 'left' })
  })

  test('frees the slot of a hash that fails', async () => {
    const queue = new HashQueue(1, new VirtualClock())
    await expect(queue.run(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory')
    expect(await queue.run(async () => 1)).toEqual({ kind: 'done', value: 1 })
  })
})

test.each([
  [63, Number.POSITIVE_INFINITY, 63],
  [63, 2 ** 30, 6],
  [4, 2 ** 30, 4],
  [63, 256 * 2 ** 20, 1],
  [63, 1, 1],
])(
  'bug: on %i processors with %d bytes of memory the hashes took it all: %i at a time',
  (width, memoryBytes, count) => {
    expect(affordableHashes(width, memoryBytes)).toBe(count)
  },
)
