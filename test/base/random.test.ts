import { expect, test } from '@jest/globals'
import { Random } from '../../src/base/random.ts'

test('the same seed gives the same numbers, another one others, and 0 is a seed as well', () => {
  const numbers = (seed: number): number[] => {
    const random = new Random(seed)
    return Array.from({ length: 20 }, () => random.next())
  }
  expect(numbers(7)).toEqual(numbers(7))
  expect(numbers(7)).not.toEqual(numbers(8))
  expect(new Set(numbers(0)).size).toBe(20)
})

test('whole numbers are below their bound, each about equally often', () => {
  const random = new Random(1)
  const counts = [0, 0, 0, 0, 0]
  for (let draw = 0; draw < 10_000; draw++) {
    const number = random.below(5)
    counts[number] = (counts[number] ?? 0) + 1
  }
  expect(counts).toHaveLength(5)
  for (const count of counts) {
    expect(count).toBeGreaterThan(1_850)
    expect(count).toBeLessThan(2_150)
  }
})
