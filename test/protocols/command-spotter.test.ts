import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { encodeFrame } from '../../src/net/frame-codec.ts'
import { CommandSpotter } from '../../src/protocols/command-spotter.ts'

type Framing = 'auto' | 'frames' | 'text'

/** Every command found in the chunks, as [command, offset of its end in the whole stream]; `end` for one at the end. */
function spot(chunks: readonly Buffer[], framing: Framing = 'auto', maxFrameBytes = 1000): [string, number | 'end'][] {
  const spotter = new CommandSpotter(framing, maxFrameBytes)
  const found: [string, number | 'end'][] = []
  let offset = 0
  for (const chunk of chunks) {
    let rest = chunk
    for (let next = spotter.push(rest); next !== undefined; next = spotter.push(rest)) {
      offset += next.end
      found.push([next.command, offset])
      rest = rest.subarray(next.end)
      if (rest.length === 0) break
    }
    offset += rest.length
  }
  const last = spotter.end()
  if (last !== undefined) found.push([last, 'end'])
  return found
}

/** The same by the definition: whole lines, one after the other. */
function spotByLines(text: string): [string, number | 'end'][] {
  const found: [string, number | 'end'][] = []
  let start = 0
  for (;;) {
    const newline = text.indexOf('\n', start)
    const line = text.slice(start, newline === -1 ? undefined : newline).replace(/\r$/, '')
    if (line === 'exit' || line === 'stop') found.push([line, newline === -1 ? 'end' : newline + 1])
    if (newline === -1) return found
    start = newline + 1
  }
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    if (at + size >= bytes.length) break
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at))
  return chunks
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 })

describe('commands in lines', () => {
  test.each([
    ['exit\n', [['exit', 5]]],
    ['stop\r\n', [['stop', 6]]],
    ['exit', [['exit', 'end']]],
    ['stop\r', [['stop', 'end']]],
    ['hello\nexit\nmore', [['exit', 11]]],
    ['exit \n', []],
    ['Exit\n', []],
    ['xexit\n', []],
    ['exit\r\r\n', []],
    ['exits\nnonstop\n', []],
    ['a\nexit', [['exit', 'end']]],
    [
      'exit\nstop\n',
      [
        ['exit', 5],
        ['stop', 10],
      ],
    ],
    [
      'stop\nexit\n',
      [
        ['stop', 5],
        ['exit', 10],
      ],
    ],
    ['', []],
  ])('%j', (text, expected) => {
    const chunks = text === '' ? [] : [Buffer.from(text)]
    expect(spot(chunks, 'text')).toEqual(expected)
  })

  test('are found in every stream, however it is cut', () => {
    const pieces = fc.constantFrom('exit', 'stop', 'e', 'st', '\n', '\r', '\r\n', '\n', 'x', 'long line of text', '\0')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), sizes, (parts, cuts) => {
        const text = parts.join('')
        expect(spot(cut(Buffer.from(text), cuts), 'text')).toEqual(spotByLines(text))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('commands in frames', () => {
  test('are found in every sequence of frames, however it is cut', () => {
    const payload = fc.constantFrom(
      'exit',
      'stop',
      'exit\n',
      'stop\r\n',
      '',
      'exi',
      'exit\n\n',
      'something longer',
      '\nexit\n',
    )
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 20 }), sizes, (payloads, cuts) => {
        const expected: [string, number][] = []
        let offset = 0
        for (const text of payloads) {
          offset += 4 + text.length
          if (/^(exit|stop)\r?\n?$/.test(text)) expected.push([text.trim(), offset])
        }
        const wire = Buffer.concat(payloads.map((text) => encodeFrame(text)))
        expect(spot(cut(wire, cuts))).toEqual(expected)
      }),
      { numRuns: 1000 },
    )
  })

  test('a header above the limit makes the rest plain bytes', () => {
    const wire = Buffer.concat([
      encodeFrame('hi'),
      Buffer.from([0, 0, 4, 0]),
      encodeFrame('exit'),
      Buffer.from('\nexit\n'),
    ])
    expect(spot([wire])).toEqual([])
  })

  test('a header above the limit is an error when frames were demanded', () => {
    const spotter = new CommandSpotter('frames', 1000)
    expect(() => spotter.push(Buffer.from([0, 0, 4, 0]))).toThrow('a frame of 1024 bytes was announced, more than 1000')
    expect(() => new CommandSpotter('frames', 1000).push(Buffer.from('hell'))).toThrow('was announced, more than 1000')
  })

  test('answers take the dialect of the question', () => {
    const spotter = new CommandSpotter('auto', 1000)
    expect(spotter.dialect).toBe('text')
    spotter.push(encodeFrame('hi'))
    expect(spotter.dialect).toBe('frames')
  })
})
