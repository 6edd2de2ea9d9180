import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readAnswers, type Sample, stripped, type Transform, transformed } from '../../src/check/dialect.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const probe = (sent: string, received: string): Sample => ({ sent: bytes(sent), received: bytes(received) })
const tokens = ['AbcDe2', 'KmnPq3rST', 'VwxYz4abCd5efG']

const changes: Readonly<Record<Transform, (text: string) => string>> = {
  identity: (text) => text,
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  capitalised: (text) => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase(),
  swapped: (text) =>
    text.replace(/./gu, (letter) => (letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase())),
  reversed: (text) => [...text].reverse().join(''),
}

describe('reading answers', () => {
  test.each(Object.entries(changes))('%s, with words around it, is found', (transform, change) => {
    const probes = tokens.map((token) => probe(token, `Сервер: ${change(token)}\r\n> `))
    expect(readAnswers(probes, '')).toEqual({
      kind: 'clean',
      transform,
      prefix: bytes('Сервер: '),
      suffix: bytes('\r\n> '),
    })
  })

  test('an answer without what was sent is foreign', () => {
    expect(
      readAnswers(
        tokens.map((token) => probe(token, 'OK')),
        '',
      ).kind,
    ).toBe('foreign')
    expect(readAnswers([probe('AbcDe2', '')], '').kind).toBe('foreign')
  })

  test('padding to the size of a buffer is unclean', () => {
    const padded = tokens.map((token) => probe(token, token.padEnd(64, '\0')))
    expect(readAnswers(padded, '')).toMatchObject({ kind: 'unclean', transform: 'identity' })
  })

  test('the same NUL behind each answer is a buffer’s too, unless NUL ends a message', () => {
    const ended = tokens.map((token) => probe(token, `${token}\0`))
    expect(readAnswers(ended, '').kind).toBe('unclean')
    expect(readAnswers(ended, '\0').kind).toBe('clean')
  })

  test('a time of day before each answer is unclean', () => {
    const timed = tokens.map((token, index) => probe(token, `[12:00:0${index}] ${token}`))
    expect(readAnswers(timed, '').kind).toBe('unclean')
  })

  test('what was sent before and comes again is another mistake', () => {
    const before = [...tokens].map(bytes)
    const probes = tokens.map((token, index) => probe(token, tokens.slice(0, index + 1).join('')))
    expect(readAnswers(probes, '', before)).toMatchObject({ kind: 'clean', transform: 'identity' })
  })
})

test('stripping takes away what the program writes around any number of answers', () => {
  const word = fc.stringMatching(/^[a-z]{1,20}$/)
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 5 }),
      fc.constantFrom('', '<<', 'Эхо: '),
      fc.constantFrom('', '>>', '\r\n'),
      (texts, prefix, suffix) => {
        const received = bytes(texts.map((text) => `${prefix}${text}${suffix}`).join(''))
        const left = stripped(received, { prefix: bytes(prefix), suffix: bytes(suffix) })
        expect(left.toString()).toBe(texts.join(''))
      },
    ),
  )
})

test('a transform leaves bytes alone that are no text', () => {
  expect(transformed(Buffer.from([0xff, 0x41]), 'lower')).toEqual(Buffer.from([0xff, 0x41]))
})
