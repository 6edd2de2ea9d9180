import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { distance, suggest } from '../../src/base/suggest.ts'

const flags = [
  'port',
  'host',
  'max-clients',
  'strict-port',
  'threads',
  'thread-per-client',
  'log-to',
  'log-file',
  'tls',
]

describe('suggest', () => {
  test.each([
    ['prot', 'port'],
    ['prt', 'port'],
    ['ports', 'port'],
    ['hots', 'host'],
    ['max', 'max-clients'],
    ['maxclients', 'max-clients'],
    ['tsl', 'tls'],
    ['strictport', 'strict-port'],
    ['thread', 'threads'],
    ['logfile', 'log-file'],
  ])('%s: did you mean %s?', (word, meant) => {
    expect(suggest(word, flags)).toBe(meant)
  })

  test.each(['', 'x', 'q', 'zebra', 'xyzzy', 'verbose'])('%j means nothing here', (word) => {
    expect(suggest(word, flags)).toBeUndefined()
  })
})

describe('distance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'abd', 1],
    ['abc', 'ab', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
    ['😀a', 'a😀', 1],
  ])('%j to %j is %d', (a, b, slips) => {
    expect(distance(a, b)).toBe(slips)
  })

  test('is symmetric, zero only for the same word, and bounded by the longer word', () => {
    const word = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        const slips = distance(a, b)
        expect(slips).toBe(distance(b, a))
        expect(slips === 0).toBe(a === b)
        expect(slips).toBeLessThanOrEqual(Math.max([...a].length, [...b].length))
      }),
    )
  })

  test('one slip of the finger is one', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), fc.nat(), (word, at) => {
        const letters = [...word]
        const cut = at % letters.length
        expect(distance(word, letters.filter((_, index) => index !== cut).join(''))).toBe(1)
        expect(distance(word, [...letters.slice(0, cut), '§', ...letters.slice(cut)].join(''))).toBe(1)
      }),
    )
  })
})
