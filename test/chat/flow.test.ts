import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ResendMemory } from '../../src/chat/chat-state.ts'
import { TokenBucket } from '../../src/chat/token-bucket.ts'

describe('flood control', () => {
  test('a burst is free, then there is one message per interval', () => {
    const bucket = new TokenBucket(3, 10, 0)
    expect([0, 0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([0, 0, 0, 100, 200])
    expect(bucket.take(10_000)).toBe(0)
  })

  test('rate 0 is no limit', () => {
    const bucket = new TokenBucket(1, 0, 0)
    expect(Array.from({ length: 100 }, () => bucket.take(0))).toEqual(Array(100).fill(0))
  })

  test('who waits as told sends at most the burst and the rate, and everything gets through', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat(500), { minLength: 1, maxLength: 200 }),
        (burst, rate, pauses) => {
          const bucket = new TokenBucket(burst, rate, 0)
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
})

describe('the memory of resends', () => {
  const taken = (id: number) => ({ id, at: id })

  test('knows the latest ids of each member, and no others', () => {
    const memory = new ResendMemory(2, 10)
    for (const id of [1, 2, 3]) memory.add('ann', `c${id}`, taken(id))
    expect(['c1', 'c2', 'c3'].map((cid) => memory.find('ann', cid)?.id)).toEqual([undefined, 2, 3])
    expect(memory.find('bob', 'c3')).toBeUndefined()
  })

  test('forgets the member least recently heard', () => {
    const memory = new ResendMemory(2, 2)
    memory.add('ann', 'x', taken(1))
    memory.add('bob', 'x', taken(2))
    memory.add('ann', 'y', taken(3))
    memory.add('eve', 'x', taken(4))
    expect(['ann', 'bob', 'eve'].map((name) => memory.find(name, 'x')?.id)).toEqual([1, undefined, 4])
  })
})
