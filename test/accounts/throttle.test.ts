import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { accountRule, sourceRule, Throttle } from '../../src/accounts/throttle.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('the throttle', () => {
  test.each([
    ['account', accountRule, [0, 0, 0, 500, 1000, 2000, 4000, 8000, 8000, 8000]],
    ['source', sourceRule, [0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]],
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
    const throttle = new Throttle(accountRule, clock)
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
        const throttle = new Throttle(sourceRule, clock)
        for (const [key, ms] of steps) {
          throttle.failed(String(key))
          expect(throttle.waitMs(String(key))).toBeLessThanOrEqual(sourceRule.maxMs)
          clock.advance(ms)
        }
        clock.advance(sourceRule.maxMs)
        for (const key of '0123') expect(throttle.waitMs(key)).toBe(0)
      }),
    )
  })

  test('remembers a bounded number of keys, those that failed last', () => {
    const throttle = new Throttle({ ...accountRule, free: 0 }, new VirtualClock(), 100)
    for (let n = 0; n < 1000; n++) throttle.failed(`guess ${n}`)
    expect(throttle.size).toBe(100)
    expect([throttle.waitMs('guess 899'), throttle.waitMs('guess 900')]).toEqual([0, 500])
  })
})
