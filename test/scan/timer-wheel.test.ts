import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TimerWheel } from '../../src/scan/timer-wheel.ts'

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
