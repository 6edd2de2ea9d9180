import { describe, expect, test } from '@jest/globals'
import { clientStyle, ownClock } from '../../src/chat/client-style.ts'
import { ClientView, complete } from '../../src/chat/client-view.ts'

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
