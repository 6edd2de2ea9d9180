import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { lastLines } from '../../src/log/last-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)

describe('the last lines', () => {
  test('of several files, whatever they hold and however many are asked for', () => {
    const lines = fc.array(
      fc.string({ minLength: 1 }).map((text) => text.replaceAll('\n', 'n')),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(lines, lines, lines, fc.nat({ max: 40 }), (youngest, middle, oldest, count) => {
        const all = { a: youngest, b: middle, c: oldest }
        for (const [name, content] of Object.entries(all))
          writeFileSync(path(name), content.map((line) => `${line}\n`).join(''))
        const expected = [...oldest, ...middle, ...youngest]
        expect(lastLines([path('a'), path('b'), path('c')], count)).toEqual(count === 0 ? [] : expected.slice(-count))
      }),
    )
  })

  test('are found in a file of many blocks, with characters of several bytes at their borders', () => {
    const lines = Array.from({ length: 8_000 }, (_, index) => `${index} ${'é漢👍'.repeat(index % 7)}`)
    writeFileSync(path('long'), `${lines.join('\n')}\n`)
    for (const count of [1, 2, 999, 7_999, 8_000, 9_000])
      expect(lastLines([path('long')], count)).toEqual(lines.slice(-count))
  })

  test('do not include a line that is still being written', () => {
    writeFileSync(path('torn'), 'one\ntwo\nthr')
    expect(lastLines([path('torn')], 5)).toEqual(['one', 'two'])
    expect(lastLines([path('torn')], 1)).toEqual(['two'])
  })

  test('are as many as fit, and whole, when they are too long', () => {
    writeFileSync(path('large'), `${'x'.repeat(300)}\nshort\n`)
    expect(lastLines([path('large')], 2, 100)).toEqual(['short'])
    writeFileSync(path('large'), `${'x'.repeat(300)}\n`)
    expect(lastLines([path('large')], 2, 100)).toEqual([])
  })

  test('of no file are none', () => {
    expect(lastLines([path('missing'), path('long')], 3)).toEqual([])
  })
})
