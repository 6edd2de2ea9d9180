import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { locate } from '../../src/accounts/json-position.ts'
import { syntaxErrorOffset } from '../../src/accounts/json-syntax.ts'
import { codePoint } from '../support/any-text.ts'

describe('the place of a syntax error', () => {
  test.each([
    ['', 0],
    ['  ', 2],
    ['{', 1],
    ['{]', 1],
    ['[}', 1],
    ['[1,]', 3],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['{a:1}', 1],
    ['[1 2]', 3],
    ['[01]', 2],
    ['["a\nb"]', 1],
    ['["\\x"]', 1],
    ['[nul]', 1],
    ['1 1', 2],
    ['[]]', 2],
    ['{},', 2],
    ['{"a":{"b":[{}]}', 15],
    ['\ufeff{}', 0],
    ['['.repeat(1_000_000), 1_000_000],
  ])('%#: %i', (text, offset) => {
    expect(syntaxErrorOffset(text)).toBe(offset)
  })

  test('is behind the end of every good text', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: codePoint }), (text) => {
        expect(syntaxErrorOffset(text)).toBe(text.length)
      }),
    )
  })

  test('of a broken text is at or before its first wrong character', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, seed) => {
        const at = seed % (text.length + 1)
        const broken = `${text.slice(0, at)}\u0001${text.slice(at)}`
        expect(syntaxErrorOffset(broken)).toBeLessThanOrEqual(at)
      }),
    )
  })
})

describe('the place of a value', () => {
  test.each([
    ['{"a":1}', [], 0],
    [' {"a" : 17}', ['a'], 8],
    ['{"a":{"b":[]},"c":2}', ['c'], 18],
    ['[{"x":"]}\\""}, [1, 22, 333]]', [1, 2], 23],
    ['{"\\u0061":7}', ['a'], 10],
    ['{"a":1}', ['b'], 0],
    ['{"a":[1]}', ['a', 5], 5],
    ['{"a":1}', ['a', 'b'], 5],
  ])('%j %j: %i', (text, path, offset) => {
    expect(locate(text, path)).toBe(offset)
  })

  test('starts the text that parses to that value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (record, seed) => {
        const keys = Object.keys(record)
        const key = keys[seed % Math.max(1, keys.length)]
        if (key === undefined) return
        const text = JSON.stringify(record)
        expect(text.slice(locate(text, [key])).startsWith(JSON.stringify(record[key]))).toBe(true)
      }),
    )
  })
})
