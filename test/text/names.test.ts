import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { checkName, nameKey, roomName } from '../../src/text/names.ts'
import { anyText } from '../support/any-text.ts'

describe('a name', () => {
  test.each([
    ['Ada'],
    ['Ada Lovelace'],
    ['Ünal'],
    ['李小龍'],
    ['😀'],
    ['o’Neill'],
    ['x'.repeat(32)],
    ['😀'.repeat(32)],
    ['e\u0301'.repeat(32)],
  ])('%j is good', (typed) => {
    expect(checkName(typed).kind).toBe('good')
  })

  test.each([
    ['', 'empty'],
    ['x'.repeat(33), 'long'],
    ['😀'.repeat(33), 'long'],
    [' ', 'space'],
    [' Ada', 'space'],
    ['Ada ', 'space'],
    ['Ada  Lovelace', 'space'],
    ['Ada\u00a0Lovelace', 'space'],
    ['Ada\u3000', 'space'],
    ['Ada\n', 'control'],
    ['Ada\r', 'control'],
    ['\u001b[31mAda\u001b[0m', 'control'],
    ['\u009b31m', 'control'],
    ['A\0da', 'control'],
    ['A\u007f', 'control'],
    ['\u202eadA', 'control'],
    ['A\u2066da\u2069', 'control'],
    ['A\u200bda', 'control'],
    ['A\u00adda', 'control'],
    ['\ufeffAda', 'control'],
    ['A\u3164', 'control'],
    ['\u2028', 'control'],
    ['\ud800', 'control'],
    ['\ue000', 'control'],
    ['\u0301a', 'mark'],
    ['Jos\ufffd', 'encoding'],
    ['exit', 'reserved'],
    ['EXIT', 'reserved'],
    ['resume', 'reserved'],
    ['Resume the work', 'reserved'],
  ])('%j is refused: %s', (typed, why) => {
    expect(checkName(typed)).toEqual({ kind: 'bad', why })
  })

  test('of ten megabytes is refused without looking at all of it', () => {
    expect(checkName('x'.repeat(10_000_000))).toEqual({ kind: 'bad', why: 'long' })
  })

  test.each([
    ['ada', 'ADA'],
    ['Ünal', 'u\u0308nal'],
    ['straße', 'STRASSE'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
    ['Ada', 'Ａｄａ'],
    ['office', 'oﬃce'],
    ['Kelvin', '\u212aelvin'],
    ['x2', 'x²'],
  ])('%j and %j are one name', (one, other) => {
    expect(nameKey(one)).toBe(nameKey(other))
  })

  test.each([
    ['Ada', 'Adam'],
    ['Ünal', 'Unal'],
    ['ada', 'a da'],
  ])('%j and %j are two', (one, other) => {
    expect(nameKey(one)).not.toBe(nameKey(other))
  })

  test('checking is stable: a good name is its own normal form, with the same key', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 40 }), (typed) => {
        const check = checkName(typed)
        if (check.kind === 'bad') return
        expect(checkName(check.name)).toEqual(check)
        expect(nameKey(check.key)).toBe(check.key)
        expect([...check.name].length).toBeLessThanOrEqual(32)
      }),
      { numRuns: 2000 },
    )
  })
})

describe("a room's name", () => {
  test.each([
    ['lobby', 'lobby'],
    ['#Lobby', 'lobby'],
    ['a.b-c_1', 'a.b-c_1'],
    ['Комната', 'комната'],
    ['ｄｅｖ', 'dev'],
    ['e\u0301te', 'éte'],
    ['x'.repeat(32), 'x'.repeat(32)],
    ['a/b', undefined],
    ['a b', undefined],
    ['..', undefined],
    ['.hidden', undefined],
    ['\u202ex', undefined],
    ['', undefined],
    ['#', undefined],
    ['x'.repeat(33), undefined],
    ['ﷺ'.repeat(3), undefined],
  ])('%j is %j', (typed, name) => {
    expect(roomName(typed)).toBe(name)
  })

  test('is its own one spelling', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 40 }), (typed) => {
        const name = roomName(typed)
        if (name !== undefined) expect(roomName(name)).toBe(name)
      }),
      { numRuns: 2000 },
    )
  })
})
