import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { grouped } from '../../src/terminal/format.ts'

test('whole numbers are written as English writes them', () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 70n), 2n ** 70n), (value) => grouped(value) === value.toLocaleString('en')))
  expect([0, 999, 1000, 65_535, 1_000_000].map(grouped)).toEqual(['0', '999', '1,000', '65,535', '1,000,000'])
})
