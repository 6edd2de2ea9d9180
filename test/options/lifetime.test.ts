import { expect, test } from '@jest/globals'
import { lifetime } from '../../src/options/kinds.ts'

test.each([
  ['1s', 1000],
  ['24h', 86_400_000],
  ['30d', 2_592_000_000],
  ['366d', 31_622_400_000],
  ['90', 90_000],
])('%s is a lifetime', (text, ms) => {
  expect(lifetime.parse(text)).toBe(ms)
})

test.each(['0', 'off', '999ms', '367d', '-1s', 'long', ''])('%j is none', (text) => {
  expect(() => lifetime.parse(text)).toThrow(/is not/)
})
