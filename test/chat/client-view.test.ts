import { describe, expect, test } from '@jest/globals'
import { clientStyle, ownClock } from '../../src/chat/client-style.ts'
import { ClientView, complete } from '../../src/chat/client-view.ts'
import type { ChatMessage, ChatServerMessage } from '../../src/chat/message.ts'
import { Backoff } from '../../src/chat/reconnect.ts'

function view(colour = false) {
  let last = 0
  const chat = new ClientView({
    style: clientStyle(colour, { time: (at) => `t${at}`, day: (at) => `day ${Math.floor(at / 1_000)}` }),
    newId: () => `cid${++last}`,
    now: 0,
  })
  const take = (...messages: ChatServerMessage[]) => messages.flatMap((message) => chat.take(message).lines)
  return { chat, take, texts: (...messages: ChatServerMessage[]) => take(...messages).map(({ text }) => text) }
}

const said = (id: number, from = 'bob', more: Partial<ChatMessage> = {}): ChatMessage => ({
  type: 'message',
  id,
  at: id,
  room: 'lobby',
  from,
  text: `m${id}`,
  ...more,
})
const joined = (room = 'lobby', topic = ''): ChatServerMessage => ({ type: 'joined', room, topic, members: 2 })

describe('the chat as a client sees it', () => {
  test('enters, shows history and what is said, and calls other rooms by name', () => {
    const { chat, texts } = view()
    expect(chat.welcome('ann').send).toEqual([{ type: 'enter' }])
    const history: ChatServerMessage = { type: 'history', room: 'lobby', messages: [said(1), said(2)], more: false }
    expect(texts(joined(), history, said(3), said(4, 'ann', { action: true, text: 'waves' }))).toEqual([
      '* you are in #lobby (2 people)',
      't1 bob: m1',
      't2 bob: m2',
      't3 bob: m3',
      't4 * ann waves',
    ])
    expect(texts(joined('dev', 'work'), said(5))).toEqual([
      '* you are in #dev (2 people); topic: work',
      't5 #lobby bob: m5',
    ])
    expect(chat.current).toBe('dev')
    texts({ type: 'left', room: 'dev', why: 'left' })
    expect(chat.current).toBe('lobby')
  })

  test('bug: "exit", which leaves at `nc` and at every other service, was said to the room', () => {
    const { chat, texts } = view()
    chat.welcome('ann')
    texts(joined())
    expect(chat.typed(' exit ').send).toEqual([{ type: 'line', text: '/quit' }])
    expect(chat.typed('exit now').send).toMatchObject([{ type: 'say', text: 'exit now' }])
  })

  test('a history that was asked for and is empty is said to be (there was no answer at all)', () => {
    const { chat, texts } = view()
    chat.welcome('ann')
    const history: ChatServerMessage = { type: 'history', room: 'lobby', messages: [], more: false }
    expect(texts(joined(), history).slice(1)).toEqual(['* nothing was said in #lobby in that time'])
  })

  test('a date stands where the day changes (what was said days ago looked as if it were of today)', () => {
    const { chat, texts } = view()
    chat.welcome('ann')
    const old = [said(1, 'bob', { at: -1_500 }), said(2, 'bob', { at: -1_200 }), said(3, 'bob', { at: -10 })]
    const history: ChatServerMessage = { type: 'history', room: 'lobby', messages: old, more: false }
    expect(texts(joined(), history, said(4), said(5, 'bob', { at: 1_000 })).slice(1)).toEqual([
      ...['* day -2', 't-1500 bob: m1', 't-1200 bob: m2'],
      ...['* day -1', 't-10 bob: m3'],
      ...['* day 0', 't4 bob: m4'],
      ...['* day 1', 't1000 bob: m5'],
    ])
  })

  test('one does not hear of oneself coming in', () => {
    const { chat, texts } = view()
    chat.welcome('ann')
    const news = { type: 'presence', room: 'lobby', left: [], unnamed: 0, members: 2 } as const
    expect(texts({ ...news, joined: ['ann'] })).toEqual([])
    expect(texts({ ...news, joined: ['ann', 'bob'] })).toEqual(['* #lobby: bob joined (2 people)'])
    expect(texts({ ...news, joined: ['ann'], unnamed: 3 })).toEqual(['* #lobby: 3 more came or went (2 people)'])
  })

  test('the prompt names the room that a line goes to, where there is a choice', () => {
    const { chat, texts } = view()
    chat.welcome('ann')
    expect(chat.prompt).toBe('> ')
    texts(joined())
    expect(chat.prompt).toBe('> ')
    texts(joined('dev'))
    expect(chat.prompt).toBe('#dev> ')
    texts(joined())
    expect(chat.prompt).toBe('#lobby> ')
    texts({ type: 'left', room: 'lobby', why: 'left' })
    expect(chat.prompt).toBe('#dev> ')
  })

  test('what is typed goes to the current room with an id, and commands go as they are', () => {
    const { chat, take } = view()
    take(joined())
    expect(chat.typed('hello').send).toEqual([{ type: 'say', room: 'lobby', text: 'hello', cid: 'cid1' }])
    expect(chat.typed('//etc').send).toEqual([{ type: 'say', room: 'lobby', text: '/etc', cid: 'cid2' }])
    expect(chat.typed('/who').send).toEqual([{ type: 'line', text: '/who' }])
    expect(chat.typed('  ')).toEqual({ lines: [], send: [] })
  })

  test('after a reconnect it resumes every room, says again what was not acknowledged, and shows what was missed once', () => {
    const { chat, take, texts } = view()
    chat.welcome('ann')
    take(joined(), joined('dev'), said(7), said(8, 'bob', { room: 'dev' }))
    chat.typed('one')
    chat.typed('two')
    take(said(9, 'ann', { room: 'dev', cid: 'cid1' }))
    expect(chat.welcome('ann').send).toEqual([
      { type: 'enter', resume: { lobby: 7, dev: 9 } },
      { type: 'say', room: 'dev', text: 'two', cid: 'cid2' },
    ])
    const missed = [said(10), said(11)]
    const step = [joined(), { type: 'history', room: 'lobby', messages: missed, more: true } as const].map((message) =>
      chat.take(message),
    )
    expect(step.flatMap(({ lines }) => lines.map(({ text }) => text))).toEqual([
      '* 2 in #lobby while you were away',
      't10 #lobby bob: m10',
      't11 #lobby bob: m11',
    ])
    expect(step[1]?.send).toEqual([{ type: 'history', room: 'lobby', range: { after: 11, limit: 200 } }])
    expect(texts(joined('dev'), said(12, 'ann', { room: 'dev', cid: 'cid2' }), said(11))).toEqual(['t12 ann: m12'])
    expect(chat.current).toBe('dev')
    expect(chat.welcome('ann').send).toHaveLength(1)
  })

  test('long absences come page by page, and what is said meanwhile once', () => {
    const { chat, take, texts } = view()
    chat.welcome('ann')
    take(joined(), said(1))
    chat.welcome('ann')
    const page = (messages: ChatMessage[], more: boolean): ChatServerMessage => ({
      type: 'history',
      room: 'lobby',
      messages,
      more,
    })
    expect(texts(joined(), page([said(2)], true), said(5))).toEqual([
      '* 1 in #lobby while you were away',
      't2 bob: m2',
      't5 bob: m5',
    ])
    expect(texts(page([said(3), said(4), said(5), said(6)], false))).toEqual([
      '* 2 in #lobby while you were away',
      't3 bob: m3',
      't4 bob: m4',
    ])
    expect(texts(joined('dev'))).toHaveLength(1)
    expect(chat.current).toBe('dev')
    expect(texts(page([said(1), said(2)], false))).toEqual(['t1 #lobby bob: m1', 't2 #lobby bob: m2'])
  })

  test('a refused message is not said again', () => {
    const { chat, texts } = view()
    texts(joined())
    chat.typed('x')
    expect(texts({ type: 'error', code: 'MUTED', text: 'you are muted', cid: 'cid1' })).toEqual(['! you are muted'])
    expect(chat.welcome('ann').send).toHaveLength(1)
  })

  test.each([
    ['ann, look', 'bob', true],
    ['look, ANN!', 'bob', true],
    ['@ann', 'bob', true],
    ['the annual meeting', 'bob', false],
    ['I am ann', 'ann', false],
  ])('"%s" by %s rings: %s', (text, from, rings) => {
    const { chat, take } = view()
    chat.welcome('ann')
    expect(take(joined(), said(1, from, { text }))[1]?.bell === true).toBe(rings)
  })

  test('old mentions do not ring, private messages do', () => {
    const { chat, take } = view()
    chat.welcome('ann')
    const history: ChatServerMessage = {
      type: 'history',
      room: 'lobby',
      messages: [said(1, 'bob', { text: 'ann?' })],
      more: false,
    }
    expect(take(joined(), history).some(({ bell }) => bell)).toBe(false)
    expect(take({ type: 'private', id: 2, at: 2, from: 'bob', to: 'ann', text: 'psst' })).toEqual([
      { text: 't2 bob (private): psst', bell: true },
    ])
    expect(take({ type: 'private', id: 3, at: 3, from: 'ann', to: 'bob', text: 'yes' })).toEqual([
      { text: 't3 to bob: yes' },
    ])
  })

  test('names have colours, always the same ones, and a hostile server has no way to the terminal', () => {
    const { take } = view(true)
    const lines = take(said(1), said(2), said(3, '\u001b]0;x\u0007', { text: '\u001b[2J\u202e' }))
    const colours = lines.map(({ text }) => text.slice(0, text.indexOf('bob')).split(' ').at(-1))
    expect(colours[0]).toContain('\u001b[')
    expect(colours[0]).toBe(colours[1])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours are the only controls left
    expect(lines[2]?.text.replace(/\u001b\[\d+m/g, '')).not.toMatch(/[\u0000-\u001f\u202e]/)
    const evil: ChatServerMessage = { type: 'notice', text: '\u001b[2J' }
    expect(view().texts(evil)).toEqual(['* ␛[2J'])
  })
})

describe('waiting before connecting again', () => {
  test('doubles up to half a minute, with some chance in it, and starts anew after success', () => {
    const full = new Backoff(() => 1)
    expect(Array.from({ length: 7 }, () => full.next())).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    full.reset()
    expect(full.next()).toBe(1000)
    expect(new Backoff(() => 0).next()).toBe(500)
  })
})

const known = { names: ['Zoë', 'Ann Lee', 'Anna', 'adam'], rooms: ['lobby', 'dev'] }

test.each([
  ['/his', ['/history ']],
  ['/LE', ['/leave ']],
  ['/nonsense', []],
  ['', []],
  ['hello ', []],
  ['an', ['Ann Lee: ', 'Anna: ']],
  ['A', ['Ann Lee: ', 'Anna: ', 'adam: ']],
  ['ask Z', ['Zoë ']],
  ['/msg ann', ['"Ann Lee" ', 'Anna ']],
  ['/join #d', ['#dev ']],
  ['/who lob', []],
  ['a /h', []],
])('%j may become %j', (typed, found) => {
  expect(complete(typed, known).found).toEqual(found)
})

describe('who is known', () => {
  test('are those who were met, the latest first, and not oneself', () => {
    const chat = new ClientView({ style: clientStyle(false, ownClock), newId: () => 'cid', now: 1 })
    chat.welcome('Ann')
    const met = { type: 'message', at: 1, room: 'lobby', text: 'hi' } as const
    chat.take({ type: 'joined', room: 'lobby', topic: '', members: 3 })
    chat.take({ ...met, id: 1, from: 'Bo' })
    chat.take({ ...met, id: 2, from: 'Ann' })
    chat.take({ ...met, id: 3, from: 'Bea' })
    chat.take({ type: 'presence', room: 'lobby', joined: ['Ann', 'B\u001bert'], left: [], unnamed: 0, members: 4 })
    chat.take({ ...met, id: 4, from: 'Bo' })
    expect(chat.complete('b').found).toEqual(['Bo: ', 'B\u241bert: ', 'Bea: '])
    expect(chat.complete('an').found).toEqual([])
    expect(chat.complete('#l')).toEqual({ word: '#l', found: ['#lobby '] })
  })
})
