import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ProtocolError } from '../../src/base/errors.ts'
import { LineDecoder, LineSplitter, TelnetFilter } from '../../src/net/line-codec.ts'
import { chopped, countingCopies, decodeAll } from '../support/decoding.ts'

const lines = (...chunks: (string | readonly number[])[]): string[] =>
  decodeAll(
    new LineDecoder(),
    chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : Uint8Array.from(chunk))),
  )

describe('lines', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['\n', ['']],
    ['\r\n', ['']],
    ['a\n', ['a']],
    ['a\r\nb\n', ['a', 'b']],
    ['a\n\nb', ['a', '', 'b']],
    ['a\rb\n', ['a\rb']],
    ['no end', ['no end']],
    ['a\r\r\n', ['a\r']],
    ['tab\there\0nul\n', ['tab\there\0nul']],
  ])('%j', (text, expected) => {
    expect(lines(text)).toEqual(expected)
  })

  test('a CR LF may be cut in two', () => {
    expect(lines('a\r', '\nb\r', '\n')).toEqual(['a', 'b'])
  })

  test('what is not UTF-8 becomes U+FFFD, and a character may be cut in two', () => {
    expect(lines([0x61, 0xc3], [0xa9, 0x0a])).toEqual(['aé'])
    expect(lines([0x61, 0xc3, 0x28, 0x80, 0x0a])).toEqual(['a\uFFFD(\uFFFD'])
  })

  test('any lines, cut anywhere, come back', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((text) => !/[\r\n]/.test(text))
    const sizes = fc.array(fc.nat({ max: 90 }), { maxLength: 60 })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.constantFrom('\n', '\r\n'), sizes, (texts, eol, cuts) => {
        const wire = Buffer.from(texts.map((text) => text + eol).join(''))
        expect(decodeAll(new LineDecoder(), chopped(wire, cuts))).toEqual(texts)
      }),
      { numRuns: 200 },
    )
  })

  test('a line of exactly the limit passes, one byte more does not, with or without its end in sight', () => {
    expect(decodeAll(new LineSplitter(4), [Buffer.from('abc\nabc\n')]).map(String)).toEqual(['abc', 'abc'])
    const tooLong = new ProtocolError('LINE_TOO_LONG', 'a line is longer than 4 bytes')
    expect(() => decodeAll(new LineSplitter(4), [Buffer.from('abcd\n')])).toThrow(tooLong)
    expect(() => decodeAll(new LineSplitter(4), [Buffer.from('abcde')])).toThrow(tooLong)
    expect(() =>
      decodeAll(
        new LineSplitter(4),
        ['ab', 'cd', '\n'].map((text) => Buffer.from(text)),
      ),
    ).toThrow(tooLong)
  })

  test('the lines in front of an over-long one are delivered', () => {
    const found = new LineSplitter(4).push(Buffer.from('ok\ntoo long\n'))
    expect(String(found.next().value)).toBe('ok')
    expect(() => found.next()).toThrow(ProtocolError)
  })

  test('a line in single bytes is copied fewer than three times', () => {
    const wire = Buffer.from(`${'x'.repeat(65_000)}\n`)
    const splitter = new LineSplitter()
    const chunks = chopped(wire, new Array(wire.length).fill(1))
    const { result, copied } = countingCopies(() => decodeAll(splitter, chunks))
    expect(result.map((line) => line.length)).toEqual([65_000])
    expect(copied).toBeGreaterThanOrEqual(65_000)
    expect(copied).toBeLessThan(3 * wire.length)
  })
})

describe("a telnet client's negotiations", () => {
  const hello = [0x68, 0x69, 0x0d, 0x0a]

  test.each<[string, readonly number[]]>([
    ['WILL', [255, 251, 31]],
    ['DO', [255, 253, 1]],
    ['DONT', [255, 254, 1]],
    ['a two-byte command (NOP)', [255, 241]],
    ['a subnegotiation', [255, 250, 31, 0, 80, 0, 24, 255, 240]],
    ['a subnegotiation with an escaped 255', [255, 250, 31, 255, 255, 0, 255, 240]],
    ['several', [255, 253, 3, 255, 251, 24, 255, 246]],
  ])('%s is skipped, however it is cut', (_, bytes) => {
    const wire = Buffer.from([...bytes, ...hello])
    for (let cut = 0; cut <= wire.length; cut++) {
      expect(decodeAll(new LineDecoder(), [wire.subarray(0, cut), wire.subarray(cut)])).toEqual(['hi'])
    }
  })

  test('an escaped 255 stays one byte', () => {
    expect([...new TelnetFilter().strip(Uint8Array.from([1, 255, 255, 2]))]).toEqual([1, 255, 2])
  })

  test('a chunk without any is handed through as it is', () => {
    const chunk = Buffer.from('plain')
    expect(new TelnetFilter().strip(chunk)).toBe(chunk)
  })
})
