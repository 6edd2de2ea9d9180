import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ProtocolError } from '../../src/base/errors.ts'
import { encodeFrame, encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'
import { netLimits } from '../../src/net/limits.ts'
import { chopped, countingCopies, decodeAll } from '../support/decoding.ts'

/** What Python's `struct.pack('>I', len(p)) + p` gives for these payloads. */
const python: readonly (readonly [payload: string, wire: readonly number[]])[] = [
  ['', [0, 0, 0, 0]],
  ['a', [0, 0, 0, 1, 0x61]],
  ['exit', [0, 0, 0, 4, 0x65, 0x78, 0x69, 0x74]],
  ['héllo', [0, 0, 0, 6, 0x68, 0xc3, 0xa9, 0x6c, 0x6c, 0x6f]],
  ['😀', [0, 0, 0, 4, 0xf0, 0x9f, 0x98, 0x80]],
  ['\0\n', [0, 0, 0, 2, 0, 0x0a]],
]

describe('frames', () => {
  test.each(python)('%j has the bytes that Python and Erlang give it', (payload, wire) => {
    expect([...encodeFrame(payload)]).toEqual(wire)
    expect(decodeAll(new FrameDecoder(), [Uint8Array.from(wire)]).map(String)).toEqual([payload])
  })

  test('a length of 256 and more is big-endian', () => {
    expect([...encodeFrame(Buffer.alloc(0x010203)).subarray(0, 4)]).toEqual([0, 1, 2, 3])
  })

  test('many frames go into one buffer, text and bytes mixed', () => {
    const wire = encodeFrames(['é', Buffer.from([0, 255]), ''])
    expect([...wire]).toEqual([0, 0, 0, 2, 0xc3, 0xa9, 0, 0, 0, 2, 0, 255, 0, 0, 0, 0])
  })

  test('every split of a stream gives the same frames', () => {
    const wire = encodeFrames(['', 'ab', 'é', '', 'xyz'])
    for (let first = 0; first <= wire.length; first++) {
      for (let second = first; second <= wire.length; second++) {
        const chunks = [wire.subarray(0, first), wire.subarray(first, second), wire.subarray(second)]
        expect(decodeAll(new FrameDecoder(), chunks).map(String)).toEqual(['', 'ab', 'é', '', 'xyz'])
      }
    }
  })

  test('any frames, cut anywhere, come back', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 12 })
    fc.assert(
      fc.property(payloads, fc.array(fc.nat({ max: 900 }), { maxLength: 40 }), (frames, sizes) => {
        const decoded = decodeAll(new FrameDecoder(), chopped(encodeFrames(frames), sizes))
        expect(decoded.map((frame) => [...frame])).toEqual(frames.map((frame) => [...frame]))
      }),
      { numRuns: 200 },
    )
  })

  test('frames that lie whole in a chunk are handed out without copying', () => {
    const wire = encodeFrames(['one', 'two'])
    const { result, copied } = countingCopies(() => decodeAll(new FrameDecoder(), [wire]))
    expect(result.map((frame) => frame.buffer === wire.buffer)).toEqual([true, true])
    expect(copied).toBe(0)
  })

  test.each([1, 7, 1448, 65_536])('a 1 MiB frame in pieces of %i bytes is copied fewer than three times', (size) => {
    const payload = Buffer.alloc(netLimits.frameBytes, 7)
    const wire = encodeFrame(payload)
    const chunks = chopped(wire, new Array(Math.ceil(wire.length / size)).fill(size))
    const { result, copied } = countingCopies(() => decodeAll(new FrameDecoder(), chunks))
    expect(result.map((frame) => frame.equals(payload))).toEqual([true])
    expect(copied).toBeGreaterThanOrEqual(wire.length - 70_000)
    expect(copied).toBeLessThan(3 * wire.length)
  })

  test('a gathered frame keeps its bytes when the chunk memory is used again', () => {
    const decoder = new FrameDecoder()
    const memory = Buffer.from([0, 0, 0, 4, 1, 2])
    expect([...decoder.push(memory)]).toEqual([])
    memory.fill(9)
    expect([...decoder.push(Buffer.from([3, 4]))].map((frame) => [...frame])).toEqual([[1, 2, 3, 4]])
  })

  test('a header above the limit is refused before its payload comes, after the frames in front of it', () => {
    const decoder = new FrameDecoder(10)
    const frames = decoder.push(Buffer.concat([encodeFrame('fine'), Buffer.from([0, 0, 0, 11])]))
    expect(String(frames.next().value)).toBe('fine')
    expect(() => frames.next()).toThrow(
      new ProtocolError('FRAME_TOO_LONG', 'a frame of 11 bytes was announced, more than 10'),
    )
  })

  test('a frame of exactly the limit passes', () => {
    expect(decodeAll(new FrameDecoder(10), [encodeFrame('0123456789')]).map(String)).toEqual(['0123456789'])
  })

  test('four bytes that announce 4 GiB cost no memory', () => {
    const { copied } = countingCopies(() => {
      expect(() => decodeAll(new FrameDecoder(), chopped(Buffer.alloc(4, 255), [1, 1, 1, 1]))).toThrow(ProtocolError)
    })
    expect(copied).toBe(0)
  })

  test('an end within a header or a payload is an error, an end between frames is not', () => {
    expect(decodeAll(new FrameDecoder(), [])).toEqual([])
    for (const cut of [1, 2, 3, 4, 5]) {
      expect(() => decodeAll(new FrameDecoder(), [encodeFrame('ab').subarray(0, cut)])).toThrow('middle of a frame')
    }
  })

  test('a payload above the limit is not encoded', () => {
    expect(() => encodeFrame('12345', 4)).toThrow(RangeError)
    expect(() => encodeFrames(['ok', Buffer.alloc(netLimits.frameBytes + 1)])).toThrow(RangeError)
  })
})
