import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Refusal } from '../../src/chat/refusal.ts'
import { cleanText, harmless } from '../../src/chat/text.ts'
import { anyText } from '../support/any-text.ts'

const E = '\u001b'

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
    expect(cleanText(said)).toBe(shown)
  })

  test.each([
    ['nothing', '', 'EMPTY'],
    ['blanks', '  \t ', 'EMPTY'],
    ['only what shows nothing', '\u200b\u202e', 'EMPTY'],
    ['4,097 bytes', 'x'.repeat(4097), 'TOO_LONG'],
    ['4,098 bytes in 1,366 characters', '你'.repeat(1366), 'TOO_LONG'],
    ['a megabyte', 'x'.repeat(1_000_000), 'TOO_LONG'],
  ])('%s is refused', (_what, said, code) => {
    expect(() => cleanText(said)).toThrow(expect.objectContaining({ code }))
  })

  test('4,096 bytes are accepted', () => {
    expect(cleanText('x'.repeat(4096))).toHaveLength(4096)
    expect(cleanText('你'.repeat(1365))).toHaveLength(1365)
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

  test('a refusal is a Refusal', () => {
    expect(() => cleanText('')).toThrow(Refusal)
  })
})
