import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { cleanText, harmless, localDay, localTime, saidLine, utcDay, utcTime } from '../../src/text/said.ts'
import { parseSlashCommand, parseSlashLine, usageTable } from '../../src/text/slash.ts'
import { anyText } from '../support/any-text.ts'

const E = '\u001b'
const maxBytes = 4096

describe('what somebody says', () => {
  test.each([
    ['plain text stays as it is', 'Hello, world! <>&"\'', 'Hello, world! <>&"\''],
    ['white space at the ends goes', '  hello \t', 'hello'],
    ['other scripts and emoji stay', 'Привет 你好 👩‍👩‍👧 שלום', 'Привет 你好 👩‍👩‍👧 שלום'],
    ['an escape sequence becomes visible', `${E}[31mred${E}[2J`, '␛[31mred␛[2J'],
    ['a bell becomes visible', 'ding\u0007', 'ding␇'],
    ['an 8-bit CSI is no control any more', 'a\u009b31mb', 'a\ufffd31mb'],
    ['DEL becomes visible', 'a\u007fb', 'a␡b'],
    ['a tab is a space', 'a\tb', 'a b'],
    ['several lines stay one line', 'one\r\ntwo\nthree\rfour', 'one⏎two⏎three⏎four'],
    ['line separators of Unicode as well', 'a\u2028b\u2029c', 'a⏎b⏎c'],
    ['bidirectional overrides go', 'abc\u202etxt.exe\u202c', 'abctxt.exe'],
    ['isolates go', '\u2066x\u2069', 'x'],
    ['marks of direction stay', 'a\u200eb\u200f', 'a\u200eb\u200f'],
    ['what shows nothing goes', 'a\u200bb\ufeffc\u{e0001}', 'abc'],
    ['combining characters are composed', 'e\u0301', 'é'],
    ['at most four marks stay on a letter', `x${'\u0335'.repeat(500)}y`, `x${'\u0335'.repeat(4)}y`],
    ['half a surrogate pair becomes U+FFFD', 'a\ud800b', 'a\ufffdb'],
  ])('%s', (_what, said, shown) => {
    expect(cleanText(said, maxBytes)).toEqual({ kind: 'good', text: shown })
  })

  test.each([
    ['nothing', '', 'empty'],
    ['blanks', '  \t ', 'empty'],
    ['only what shows nothing', '\u200b\u202e', 'empty'],
    ['4,097 bytes', 'x'.repeat(4097), 'long'],
    ['4,098 bytes in 1,366 characters', '你'.repeat(1366), 'long'],
    ['a megabyte', 'x'.repeat(1_000_000), 'long'],
  ])('%s is refused', (_what, said, why) => {
    expect(cleanText(said, maxBytes)).toEqual({ kind: 'bad', why })
  })

  test('4,096 bytes are accepted', () => {
    expect(cleanText('x'.repeat(4096), maxBytes)).toMatchObject({ text: 'x'.repeat(4096) })
    expect(cleanText('你'.repeat(1365), maxBytes)).toMatchObject({ text: '你'.repeat(1365) })
  })

  test('whatever comes, no control and no override is left, and cleaning twice changes nothing', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 200 }), (said) => {
        const shown = harmless(said)
        expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{M}{5}/u)
        expect(shown.isWellFormed()).toBe(true)
        expect(harmless(shown)).toBe(shown)
      }),
    )
  })
})

describe('a line of what was said', () => {
  test.each([
    [{ time: '14:03:59', room: 'lobby', from: 'alice', text: 'hello' }, '14:03:59 #lobby alice: hello'],
    [{ time: '14:03:59', from: 'alice', text: 'hello' }, '14:03:59 alice: hello'],
    [{ time: '14:03:59', from: 'alice', text: 'waves', action: true }, '14:03:59 * alice waves'],
    [{ time: '14:03', room: 'dev', from: 'alice', text: 'waves', action: true }, '14:03 #dev * alice waves'],
  ])('%j', (said, line) => {
    expect(saidLine(said)).toBe(line)
  })

  test.each([
    [0, '1970-01-01', '00:00:00'],
    [86_399_999, '1970-01-01', '23:59:59'],
    [1_700_000_000_000, '2023-11-14', '22:13:20'],
  ])('%d ms is %s %s UTC', (at, day, time) => {
    expect([utcDay(at), utcTime(at)]).toEqual([day, time])
  })

  test('local time is that of the process', () => {
    const at = new Date(2026, 0, 2, 3, 4, 5).getTime()
    expect([localDay(at), localTime(at)]).toEqual(['2026-01-02', '03:04:05'])
  })
})

describe('a typed line', () => {
  const commands = { who: 0, me: 0, stats: 0, quit: 0 }

  test.each([
    ['hello', { kind: 'text', text: 'hello' }],
    ['', { kind: 'text', text: '' }],
    [' /who', { kind: 'text', text: ' /who' }],
    ['//me is text', { kind: 'text', text: '/me is text' }],
    ['/me waves a lot', { kind: 'command', name: 'me', rest: 'waves a lot' }],
    ['/WHO', { kind: 'command', name: 'who', rest: '' }],
    ['/quit\t now', { kind: 'command', name: 'quit', rest: 'now' }],
    ['/stat', { kind: 'unknown', word: 'stat', suggestion: 'stats' }],
    ['/Hwo', { kind: 'unknown', word: 'Hwo', suggestion: 'who' }],
    ['/nonsense', { kind: 'unknown', word: 'nonsense', suggestion: undefined }],
    ['/constructor', { kind: 'unknown', word: 'constructor', suggestion: undefined }],
    ['/ who', { kind: 'unknown', word: '', suggestion: undefined }],
    ['/', { kind: 'unknown', word: '', suggestion: undefined }],
  ])('%j', (line, meaning) => {
    expect(parseSlashLine(line, commands)).toEqual(meaning)
  })

  test('needs no slash where nothing is said', () => {
    expect(parseSlashCommand('Me waves', commands)).toEqual({ kind: 'command', name: 'me', rest: 'waves' })
  })

  test('the table of the help has one column of usages, and a line of its own for a longer one', () => {
    const long = `/kick ${'X'.repeat(30)}`
    expect(
      usageTable([
        { usage: '/who', summary: 'who is here' },
        { usage: '/me TEXT', summary: 'do' },
        { usage: long, summary: 'put out' },
      ]),
    ).toEqual(['/who      who is here', '/me TEXT  do', long, '          put out'])
  })
})
