import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { printable, visible } from '../../src/base/visible.ts'
import { anyText } from '../support/any-text.ts'

test.each<[string, string]>([
  ['plain', 'plain'],
  ['tab\tstays', 'tab\tstays'],
  ['héllo 😀 日本 👩‍👩‍👧', 'héllo 😀 日本 👩‍👩‍👧'],
  ['\x1b[2J\x1b]0;title\x07', '\\x1b[2J\\x1b]0;title\\x07'],
  ['a\r\nb\0', 'a\\r\\nb\\x00'],
  ['\x7f\x9b31m\x85', '\\x7f\\x9b31m\\x85'],
  ['\u202eevil\u2066\u200f', '\\u202eevil\\u2066\\u200f'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\ud800x', '\\ud800x'],
])('%j', (text, safe) => {
  expect(printable(text)).toBe(safe)
})

test('nothing that steers a terminal is left of any text', () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      expect(printable(text)).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$|\t/u)
    }),
  )
})

test.each([
  ['\u001b[2Jx\u0007', '\\x1b[2Jx\\x07'],
  ['a\nb\r\tc', 'a\\nb\\r\\tc'],
  ['\u202eevil\u2028', '\\u202eevil\\u2028'],
  ['\u009b31m\u007f', '\\x9b31m\\x7f'],
  ['Zoë 名前 👍🏽 ن', 'Zoë 名前 👍🏽 ن'],
  ['\ud800', '\\ud800'],
])('visible(%j)', (text, expected) => {
  expect(visible(text)).toBe(expected)
})
