import { describe, expect, test } from '@jest/globals'
import { endError, isAboutName, lineOf, statsLines } from '../../../src/commands/chat-udp/render.ts'
import { readTyped } from '../../../src/commands/chat-udp/typed.ts'
import type { MemberEnd, MemberEvent } from '../../../src/datagram-chat/member-interface.ts'

const at = new Date(2026, 0, 2, 3, 4, 5).getTime()
const said = { type: 'said', sequence: 1, at, name: 'ada', action: false, own: false, past: false } as const

describe('a typed line', () => {
  test.each([
    ['hello', { type: 'say', text: 'hello', action: false }],
    ['', { type: 'say', text: '', action: false }],
    ['/me waves a lot', { type: 'say', text: 'waves a lot', action: true }],
    ['//me is text', { type: 'say', text: '/me is text', action: false }],
    ['/WHO', { type: 'who' }],
    ['/quit now', { type: 'quit' }],
    ['/stats', { type: 'stats' }],
    ['/help', { type: 'help' }],
    ['/constructor', { type: 'unknown', word: '/constructor' }],
    ['/ x', { type: 'unknown', word: '/' }],
  ])('%j', (line, typed) => {
    expect(readTyped(line)).toEqual(typed)
  })
})

describe('what is shown', () => {
  const cases: readonly (readonly [event: MemberEvent, kind: string | undefined, text: string | undefined])[] = [
    [{ ...said, text: 'hi' }, 'room', '03:04:05 ada: hi'],
    [{ ...said, text: 'waves', action: true }, 'room', '03:04:05 * ada waves'],
    [
      { ...said, name: 'a\x1b[2J', text: '\x1b]0;x\x07\n\u202e' },
      'room',
      '03:04:05 a\\x1b[2J: \\x1b]0;x\\x07\\n\\u202e',
    ],
    [{ type: 'joined', sequence: 1, at, name: 'bob', own: false }, 'talk', '03:04:05 bob joined'],
    [{ type: 'joined', sequence: 1, at, name: 'bob', own: true }, undefined, undefined],
    [
      { type: 'left', sequence: 1, at, name: 'bob', reason: 'silent' },
      'talk',
      '03:04:05 bob was silent for too long and is gone',
    ],
    [{ type: 'notice', sequence: 1, at, text: 'dinner' }, 'room', '03:04:05 -operator- dinner'],
    [{ type: 'missed', count: 1 }, 'talk', '1 line was missed and can no longer be had'],
    [
      { type: 'unconfirmed', text: 'x'.repeat(100) },
      'talk',
      `not acknowledged after 5 attempts, so it may not have arrived: "${'x'.repeat(60)}…"`,
    ],
    [{ type: 'message-refused', text: 'x', reason: 'not-text' }, 'talk', 'the relay did not take "x": it is not UTF-8'],
    [{ type: 'names', names: ['ada', 'bob'] }, 'room', '2 here: ada, bob'],
    [{ type: 'lost' }, 'talk', 'nothing is heard from the relay; trying to get back in'],
    [
      { type: 'entered', room: 'den', name: 'ada', members: 3, keyed: false, again: true },
      'talk',
      'back in #den as ada; 2 others are here',
    ],
    [{ type: 'settled' }, undefined, undefined],
  ]

  test.each(cases)('%j', (event, kind, text) => {
    expect(lineOf(event)).toEqual(kind === undefined ? undefined : { kind, text })
  })

  test('statistics', () => {
    const counts = { received: 90, lost: 10, duplicates: 2, reordered: 3, retransmitted: 1, variationMs: 4.44 }
    expect(statsLines({ ...counts, roundTripMs: 12.34 })).toMatch(
      /lost +10 \(10\.0 %\)\n.*2\n.*3\n.*1 fragments.*\nRTT +12\.3 ms ± 4\.4 ms/,
    )
    expect(statsLines({ ...counts, received: 0, lost: 0, roundTripMs: undefined })).toMatch(
      /0 \(0\.0 %\)(.*\n)*.*not yet known/,
    )
  })
})

describe('the end', () => {
  const cases: readonly (readonly [end: MemberEnd, exit: number | undefined])[] = [
    [{ type: 'bye', reason: 'left' }, undefined],
    [{ type: 'bye', reason: 'kicked' }, 1],
    [{ type: 'bye', reason: 'stopping' }, 69],
    [{ type: 'no-answer' }, 69],
    [{ type: 'version', version: 2 }, 76],
    [{ type: 'refused', reason: 'room-full', room: 'den' }, 1],
    [{ type: 'refused', reason: 'wrong-room', room: '\x1bden' }, 1],
  ]

  test.each(cases)('%j', (end, exit) => {
    const error = endError(end)
    expect(error?.exit).toBe(exit)
    expect(error?.message ?? '').not.toContain('\x1b')
  })

  test('another name can help only where the name was the trouble', () => {
    expect(isAboutName({ type: 'refused', reason: 'name-taken', room: '' })).toBe(true)
    expect(isAboutName({ type: 'refused', reason: 'room-full', room: '' })).toBe(false)
  })
})
