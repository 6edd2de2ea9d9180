import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { commandSpecs } from '../../src/chat/commands.ts'
import { encode, renderLines } from '../../src/chat/encode.ts'
import type { ChatMessage, ChatServerMessage } from '../../src/chat/message.ts'
import { FrameDecoder } from '../../src/net/frame-codec.ts'

const hello: ChatMessage = { type: 'message', id: 7, at: 50_639_000, room: 'lobby', from: 'ann', text: 'hello' }

const messages = fc.array(
  fc.record(
    {
      type: fc.constant('message' as const),
      id: fc.nat(),
      at: fc.nat(),
      room: fc.constantFrom('lobby', 'комната'),
      from: fc.string({ unit: 'grapheme' }),
      text: fc.string({ unit: 'grapheme' }),
      cid: fc.string(),
      action: fc.constant(true),
      operator: fc.constant(true),
      unstored: fc.constant(true),
    },
    { requiredKeys: ['type', 'id', 'at', 'room', 'from', 'text'] },
  ),
)

describe('the frames of the chat', () => {
  test('are a length and JSON, and nothing is lost on the way', () => {
    fc.assert(
      fc.property(messages, (said) => {
        const frames = [...new FrameDecoder().push(encode(said, 'frames'))]
        expect(frames.map((frame) => JSON.parse(frame.toString()))).toEqual(said)
      }),
    )
  })

  test('bytes have a buffer of their own, so that a thread is handed them and no more', () => {
    for (const dialect of ['frames', 'text'] as const) {
      const bytes = encode([hello], dialect)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })
})

describe('the lines of the chat', () => {
  const cases: [ChatServerMessage, string][] = [
    [hello, '14:03:59 #lobby ann: hello\n'],
    [{ ...hello, action: true, text: 'waves' }, '14:03:59 #lobby * ann waves\n'],
    [
      { type: 'private', id: 1, at: 50_639_000, from: 'ann', to: 'bob', text: 'psst' },
      '14:03:59 (private) ann to bob: psst\n',
    ],
    [{ type: 'joined', room: 'dev', topic: '', members: 1 }, '* you are in #dev (1 person)\n'],
    [{ type: 'joined', room: 'dev', topic: 'work', members: 5 }, '* you are in #dev (5 people); topic: work\n'],
    [
      { type: 'history', room: 'dev', messages: [hello], more: true },
      '* #dev since 1970-01-01 UTC, messages 7 to 7; there is more: /history before 7 or after 7\n14:03:59 #lobby ann: hello\n* end of the history\n',
    ],
    [
      { type: 'history', room: 'dev', messages: [hello, { ...hello, id: 8, at: hello.at + 86_400_000 }], more: false },
      '* #dev since 1970-01-01 UTC, messages 7 to 8\n14:03:59 #lobby ann: hello\n* 1970-01-02 UTC\n14:03:59 #lobby ann: hello\n* end of the history\n',
    ],
    [{ type: 'history', room: 'dev', messages: [], more: false }, '* nothing was said in #dev in that time\n'],
    [{ type: 'left', room: 'dev', why: 'left' }, '* you left #dev\n'],
    [{ type: 'left', room: 'dev', why: 'kicked', by: 'op', reason: 'rude' }, '* op put you out of #dev: rude\n'],
    [{ type: 'left', room: 'dev', why: 'banned', by: 'op' }, '* op banned you from #dev\n'],
    [
      { type: 'presence', room: 'dev', joined: ['a', 'b'], left: ['c'], unnamed: 7, members: 12 },
      '* #dev: a, b joined; c left; 7 more came or went (12 people)\n',
    ],
    [{ type: 'topic', room: 'dev', topic: 'work', by: 'op' }, '* op set the topic of #dev: work\n'],
    [{ type: 'topic', room: 'dev', topic: '', by: 'op' }, '* op took away the topic of #dev\n'],
    [{ type: 'rooms', rooms: [{ room: 'dev', members: 2, topic: 'work' }] }, '* #dev: 2 people; work\n'],
    [
      {
        type: 'who',
        room: 'dev',
        members: 3,
        names: [{ name: 'ann', operator: true, away: 'lunch', muted: true }, { name: 'bob' }],
      },
      '* 3 people in #dev:\n*   @ann (operator, muted, away: lunch)\n*   bob\n*   and 1 more\n',
    ],
    [{ ...hello, operator: true }, '14:03:59 #lobby @ann: hello\n'],
    [{ ...hello, operator: true, action: true, text: 'waves' }, '14:03:59 #lobby * @ann waves\n'],
    [
      { type: 'private', id: 1, at: 50_639_000, from: 'ann', to: 'bob', operator: true, text: 'psst' },
      '14:03:59 (private) @ann to bob: psst\n',
    ],
    // A name of two words, and names of before there was a rule against them.
    [{ ...hello, from: 'Ann Lee' }, '14:03:59 #lobby Ann Lee: hello\n'],
    [{ ...hello, from: 'ann waves', action: true, text: 'back' }, '14:03:59 #lobby * "ann waves" back\n'],
    [{ ...hello, from: 'ann: bye' }, '14:03:59 #lobby "ann: bye": hello\n'],
    [{ ...hello, from: '@ann' }, '14:03:59 #lobby "@ann": hello\n'],
    [{ ...hello, from: 'x": a "y' }, '14:03:59 #lobby "x\': a \'y": hello\n'],
    [
      { type: 'presence', room: 'dev', joined: ['a, b', 'c joined'], left: ['d; e'], unnamed: 0, members: 3 },
      '* #dev: "a, b", "c joined" joined; "d; e" left (3 people)\n',
    ],
    [
      {
        type: 'who',
        room: 'dev',
        members: 2,
        names: [{ name: 'ann (operator)' }, { name: 'bob', away: 'x) @ann (y' }],
      },
      '* 2 people in #dev:\n*   "ann (operator)"\n*   bob (away: x) @ann (y)\n',
    ],
    [
      { type: 'topic', room: 'dev', topic: 'work', by: 'ann set it and bob' },
      '* "ann set it and bob" set the topic of #dev: work\n',
    ],
    [{ type: 'left', room: 'dev', why: 'kicked', by: 'ann kicked' }, '* "ann kicked" put you out of #dev\n'],
    [{ type: 'notice', text: 'ready' }, '* ready\n'],
    [{ type: 'error', code: 'MUTED', text: 'you are muted' }, '! you are muted\n'],
    [{ type: 'pong' }, '* the server is there\n'],
    [{ type: 'bye', reason: 'exit', message: 'goodbye' }, '* goodbye\n'],
  ]
  test.each(cases)('%j', (message, lines) => {
    expect(renderLines(message)).toBe(lines)
    expect(Buffer.from(encode([message, message], 'text')).toString()).toBe(lines + lines)
  })

  test('the help fits a terminal of 80 columns', () => {
    const commands = commandSpecs.map(([, { usage, summary }]) => ({ usage, summary }))
    const lines = renderLines({ type: 'help', commands }).split('\n')
    expect(lines.filter((line) => line.length >= 80)).toEqual([])
    const summaries = commands.map(({ summary }) =>
      lines.find((line) => line.endsWith(`  ${summary}`))?.indexOf(summary),
    )
    expect(new Set(summaries)).toEqual(new Set([31]))
  })
})
