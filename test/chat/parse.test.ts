import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { commandSpecs } from '../../src/chat/commands.ts'
import { ChatRefusal } from '../../src/chat/message.ts'
import { parseCommand, parseLine, parseMessage } from '../../src/chat/parse.ts'
import { anyText } from '../support/any-text.ts'

describe('a line that a person types', () => {
  test.each([
    ['hello there', { type: 'say', room: undefined, text: 'hello there' }],
    ['#1 in the charts', { type: 'say', room: undefined, text: '#1 in the charts' }],
    ['//usr/bin', { type: 'say', room: undefined, text: '/usr/bin' }],
    ['/say #dev  hello', { type: 'say', room: 'dev', text: 'hello' }],
    ['/me waves', { type: 'me', room: undefined, text: 'waves' }],
    ['/join dev', { type: 'join', room: 'dev', after: undefined }],
    ['/JOIN #Dev', { type: 'join', room: 'dev', after: undefined }],
    ['/leave', { type: 'leave', room: undefined }],
    ['/leave dev', { type: 'leave', room: 'dev' }],
    ['/rooms', { type: 'rooms' }],
    ['/who', { type: 'who', room: undefined }],
    ['/msg bob hello you', { type: 'msg', name: 'bob', text: 'hello you' }],
    ['/msg @bob hi', { type: 'msg', name: 'bob', text: 'hi' }],
    ['/msg "Ann Lee" hi', { type: 'msg', name: 'Ann Lee', text: 'hi' }],
    ['/history', { type: 'history', room: undefined, range: { last: 20 } }],
    ['/history 5', { type: 'history', room: undefined, range: { last: 5 } }],
    ['/history 100000', { type: 'history', room: undefined, range: { last: 200 } }],
    ['/history before 77', { type: 'history', room: undefined, range: { before: 77, limit: 20 } }],
    ['/history #dev after 77', { type: 'history', room: 'dev', range: { after: 77 } }],
    ['/away', { type: 'away', text: undefined }],
    ['/away lunch', { type: 'away', text: 'lunch' }],
    ['/kick bob', { type: 'kick', room: undefined, name: 'bob', text: undefined }],
    ['/kick #dev bob be nice', { type: 'kick', room: 'dev', name: 'bob', text: 'be nice' }],
    ['/ban bob', { type: 'ban', room: undefined, name: 'bob', off: false }],
    ['/ban bob off', { type: 'ban', room: undefined, name: 'bob', off: true }],
    ['/mute bob', { type: 'mute', room: undefined, name: 'bob', off: false }],
    ['/op bob', { type: 'op', name: 'bob', off: false }],
    ['/topic all about it', { type: 'topic', room: undefined, text: 'all about it' }],
    ['/topic', { type: 'topic', room: undefined, text: undefined }],
    ['/whoami', { type: 'whoami' }],
    ['/sessions', { type: 'sessions' }],
    ['/logout', { type: 'logout', which: undefined }],
    ['/logout Others', { type: 'logout', which: 'others' }],
    ['/logout 7', { type: 'logout', which: '7' }],
    ['/passwd', { type: 'passwd', old: undefined, new: undefined }],
    ['/help', { type: 'help' }],
    ['/quit', { type: 'quit' }],
  ])('%s', (line, request) => {
    expect(parseLine(line)).toEqual(request)
  })

  test.each([
    ['', 'EMPTY'],
    ['/', 'UNKNOWN_COMMAND'],
    ['/dance', 'UNKNOWN_COMMAND'],
    ['/constructor', 'UNKNOWN_COMMAND'],
    ['/nick bob', 'UNKNOWN_COMMAND'],
    ['/join', 'USAGE'],
    ['/join a/b', 'BAD_ROOM'],
    ['/join two words', 'BAD_ROOM'],
    ['/join #', 'BAD_ROOM'],
    [`/join ${'x'.repeat(33)}`, 'BAD_ROOM'],
    ['/join .hidden', 'BAD_ROOM'],
    ['/join \u202ex', 'BAD_ROOM'],
    ['/msg', 'USAGE'],
    ['/msg bob', 'EMPTY'],
    ['/msg \u001b[0m hi', 'BAD_NAME'],
    ['/history yesterday', 'USAGE'],
    ['/history before', 'USAGE'],
    ['/ban bob now', 'USAGE'],
    ['/rooms all', 'USAGE'],
    [`/topic ${'x'.repeat(257)}`, 'TOO_LONG'],
  ])('%s is refused with %s', (line, code) => {
    expect(() => parseLine(line)).toThrow(expect.objectContaining({ code }))
  })

  test('a refusal for usage shows the usage', () => {
    expect(() => parseLine('/join')).toThrow('something is missing: /join ROOM')
  })

  test('an unknown command is told the likeliest one, where there is one', () => {
    expect(() => parseLine('/hsitory')).toThrow('there is no such command; did you mean /history? /help lists them')
    expect(() => parseLine('/nonsense')).toThrow('there is no such command; /help lists them')
  })

  test.each([
    ['nothing', '', 'EMPTY'],
    ['only what shows nothing', '\u200b\u202e', 'EMPTY'],
    ['4,097 bytes', 'x'.repeat(4097), 'TOO_LONG'],
  ])('a text of %s is refused', (_what, text, code) => {
    expect(() => parseLine(text)).toThrow(expect.objectContaining({ code }))
    expect(() => parseLine(text)).toThrow(ChatRefusal)
  })

  test('the console needs no slash', () => {
    expect(parseCommand('say #dev hello')).toEqual({ type: 'say', room: 'dev', text: 'hello' })
  })
})

describe('a message from a program', () => {
  test.each([
    [
      { type: 'say', text: 'hi', cid: 'x1' },
      { type: 'say', room: undefined, text: 'hi', cid: 'x1' },
    ],
    [
      { type: 'say', room: 'Dev', text: 'hi' },
      { type: 'say', room: 'dev', text: 'hi' },
    ],
    [
      { type: 'join', room: 'dev', after: 12 },
      { type: 'join', room: 'dev', after: 12 },
    ],
    [
      { type: 'history', range: { before: 9 } },
      { type: 'history', room: undefined, range: { before: 9, limit: 200 } },
    ],
    [
      { type: 'history', range: { after: 9, limit: 3 } },
      { type: 'history', room: undefined, range: { after: 9, limit: 3 } },
    ],
    [
      { type: 'history', range: { last: 999 } },
      { type: 'history', room: undefined, range: { last: 200 } },
    ],
    [
      { type: 'ban', name: 'bob', off: true, extra: 1 },
      { type: 'ban', room: undefined, name: 'bob', off: true },
    ],
    [
      { type: 'line', text: '/who', cid: 'x' },
      { type: 'who', room: undefined, cid: 'x' },
    ],
  ])('%j', (message, request) => {
    expect(parseMessage(message)).toEqual(request)
  })

  test.each<readonly [unknown, string]>([
    [undefined, 'BAD_MESSAGE'],
    [null, 'BAD_MESSAGE'],
    ['say', 'BAD_MESSAGE'],
    [[], 'BAD_MESSAGE'],
    [{ type: 1 }, 'BAD_MESSAGE'],
    [{ type: 'dance' }, 'UNKNOWN_COMMAND'],
    [{ type: '__proto__' }, 'UNKNOWN_COMMAND'],
    [{ type: 'say' }, 'BAD_MESSAGE'],
    [{ type: 'say', text: 7 }, 'BAD_MESSAGE'],
    [{ type: 'say', text: '' }, 'EMPTY'],
    [{ type: 'say', text: 'hi', cid: '' }, 'BAD_MESSAGE'],
    [{ type: 'say', text: 'hi', cid: 'x'.repeat(65) }, 'BAD_MESSAGE'],
    [{ type: 'say', text: 'hi', room: 'a b' }, 'BAD_ROOM'],
    [{ type: 'join', room: 'dev', after: -1 }, 'BAD_MESSAGE'],
    [{ type: 'join', room: 'dev', after: 1.5 }, 'BAD_MESSAGE'],
    [{ type: 'history', range: 'all' }, 'BAD_MESSAGE'],
    [{ type: 'ban', name: 'bob', off: 'yes' }, 'BAD_MESSAGE'],
    [{ type: 'line' }, 'BAD_MESSAGE'],
    ...['x'.repeat(65), 1.5, null, {}, true].map((ref) => [{ type: 'ping', ref }, 'BAD_MESSAGE'] as const),
    ...[{ lats: 5 }, { after: 1, limt: 5 }, { after: 1, before: 9 }, { last: 5, limit: 2 }, { last: 5, after: 2 }].map(
      (range) => [{ type: 'history', range }, 'BAD_MESSAGE'] as const,
    ),
  ])('%j is refused with %s', (message, code) => {
    expect(() => parseMessage(message)).toThrow(expect.objectContaining({ code }))
  })

  test.each([
    [{ type: 'msg', text: 'hi' }, '"name" is missing or is not a string'],
    [{ type: 'join', room: 5 }, '"room" is missing or is not a string'],
    [{ type: 'history', range: { last: -1 } }, '"range" takes whole numbers from 0 on'],
    [{ type: 'ban', name: 'bob', off: 'yes' }, '"off" is true or false'],
    [{ type: 'history', range: { since: 1 } }, '"range" is one of {last}, {before, limit?} and {after, limit?}'],
    [
      { type: 'dance' },
      expect.stringMatching(
        /^there is no message of this type; the types are enter, line, pong, say, me, .*, quit, ping$/,
      ),
    ],
  ])('%j: the refusal names the field', (message, text) => {
    expect(() => parseMessage(message)).toThrow(expect.objectContaining({ message: text }))
  })

  test('nothing but a ChatRefusal is ever thrown', () => {
    const types = fc.constantFrom(...commandSpecs.map(([name]) => name), 'line')
    const hostile = fc.record({ type: types }).chain(({ type }) => fc.object().map((rest) => ({ ...rest, type })))
    fc.assert(
      fc.property(fc.oneof(hostile, fc.anything()), anyText(), (message, line) => {
        for (const parse of [() => parseMessage(message), () => parseLine(line), () => parseLine(`/${line}`)])
          try {
            parse()
          } catch (error) {
            expect(error).toBeInstanceOf(ChatRefusal)
          }
      }),
    )
  })
})
