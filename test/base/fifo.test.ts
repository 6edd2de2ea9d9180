import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Fifo } from '../../src/base/fifo.ts'

/** How many are pushed, where positive, and taken, where negative. */
const steps = fc.array(fc.integer({ min: -3_000, max: 3_000 }), { maxLength: 12 })

test('what was pushed comes out once and in order, however many wait', () => {
  fc.assert(
    fc.property(steps, (counts) => {
      const fifo = new Fifo<string>()
      const taken: string[] = []
      let pushed = 0
      for (const count of counts) {
        for (let left = count; left > 0; left--) fifo.push(`${pushed++}`)
        for (let left = count; left < 0; left++) taken.push(fifo.shift() ?? 'nothing')
        expect(fifo.size).toBe(pushed - taken.filter((item) => item !== 'nothing').length)
      }
      for (let item = fifo.shift(); item !== undefined; item = fifo.shift()) taken.push(item)
      expect(taken.filter((item) => item !== 'nothing')).toEqual(
        Array.from({ length: pushed }, (_, index) => `${index}`),
      )
    }),
    { numRuns: 30 },
  )
})
