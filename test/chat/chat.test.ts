import { describe, expect, test } from '@jest/globals'
import { limits } from '../../src/base/limits.ts'
import { ChatWorld } from '../support/chat-world.ts'

describe('saying something', () => {
  test('it reaches everybody in the room and comes back to its sender, with id and time, and nobody else', () => {
    const world = new ChatWorld({ edges: 2 })
    const [ann, bob, eve] = [world.come('ann'), world.come('bob'), world.come('eve')]
    eve.type('/leave')
    ann.send({ type: 'say', text: 'hello', cid: 'a1' })
    const said = { type: 'message', id: 1, at: world.clock.now(), room: 'lobby', from: 'ann', text: 'hello', cid: 'a1' }
    expect(ann.listener.of('message')).toEqual([said])
    expect(bob.listener.of('message')).toEqual([said])
    expect(eve.listener.of('message')).toEqual([])
  })

  test('ids rise over all rooms, and times never fall', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    ann.type('/join dev')
    ann.send({ type: 'say', room: 'lobby', text: 'one' })
    world.clock.advance(5)
    ann.send({ type: 'say', room: 'dev', text: 'two' })
    ann.send({ type: 'me', text: 'waves' })
    const messages = ann.listener.messages()
    expect(messages.map(({ id, room }) => [id, room])).toEqual([
      [1, 'lobby'],
      [2, 'dev'],
      [3, 'dev'],
    ])
    expect(messages[2]?.action).toBe(true)
  })

  test('a person at nc reads lines', () => {
    const world = new ChatWorld()
    const ann = world.come('ann', { dialect: 'text' })
    const bob = world.come('bob')
    bob.send({ type: 'say', text: 'hello ann' })
    bob.type('/me waves')
    bob.type('/msg ann psst')
    const later = (): void => {
      world.clock.advance(limits.chatPresenceMs)
      world.settle()
    }
    later()
    bob.vanish()
    later()
    expect(ann.listener.text.split('\n')).toEqual([
      '* you are in #lobby (1 person)',
      '22:13:20 #lobby bob: hello ann',
      '22:13:20 #lobby * bob waves',
      '22:13:20 (private) bob to ann: psst',
      '* #lobby: ann, bob joined (2 people)',
      '* #lobby: bob left (1 person)',
      '',
    ])
  })

  test('everything of a turn is one write for each connection', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob', { dialect: 'text' })]
    const before = [ann.listener.writes, bob.listener.writes]
    for (let n = 0; n < 50; n++) ann.ask({ type: 'say', text: `${n}` })
    world.settle()
    expect([ann.listener.writes, bob.listener.writes]).toEqual(before.map((writes) => writes + 1))
    expect(ann.listener.said()).toHaveLength(50)
  })

  test('a message sent again is answered with what it became, and not said twice', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    ann.send({ type: 'say', text: 'once', cid: 'x' })
    ann.vanish()
    const again = world.come('ann')
    again.send({ type: 'say', text: 'once', cid: 'x' })
    expect(again.listener.of('message').map(({ id, cid }) => [id, cid])).toEqual([[1, 'x']])
    expect(bob.listener.said()).toEqual(['once'])
    bob.send({ type: 'say', text: 'another member may use the same id', cid: 'x' })
    expect(bob.listener.said()).toHaveLength(2)
  })

  test('private messages go to the two of them only, on all their connections', () => {
    const world = new ChatWorld()
    const people = [world.come('ann'), world.come('ann'), world.come('Bob'), world.come('eve')]
    people[0]?.send({ type: 'msg', name: 'bob', text: 'psst', cid: '1' })
    people[0]?.send({ type: 'msg', name: 'bob', text: 'psst', cid: '1' })
    expect(people.map(({ listener }) => listener.of('private').length)).toEqual([2, 1, 1, 0])
    expect(people[2]?.listener.of('private')[0]).toMatchObject({ from: 'ann', to: 'Bob', text: 'psst' })
    people[0]?.type('/msg zoe hello')
    expect(people[0]?.listener.of('error')).toMatchObject([{ code: 'NOT_HERE', text: 'zoe is not here' }])
  })
})

describe('rooms', () => {
  test('a room is joined, listed and left; what is said without a room goes to the one joined last', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    ann.type('/join #Dev')
    expect(ann.listener.of('joined').map(({ room }) => room)).toEqual(['lobby', 'dev'])
    ann.type('to dev')
    ann.type('/leave')
    ann.type('to the lobby')
    expect(ann.listener.of('message').map(({ room }) => room)).toEqual(['dev', 'lobby'])
    ann.type('/rooms')
    expect(ann.listener.of('rooms')).toEqual([{ type: 'rooms', rooms: [{ room: 'lobby', members: 1, topic: '' }] }])
    ann.type('/leave')
    ann.type('to nobody')
    ann.type('/leave dev')
    expect(ann.listener.of('error').map(({ code }) => code)).toEqual(['NO_ROOM', 'NOT_IN_ROOM'])
  })

  test('to join a room that one is in turns to it (it was refused, and there was no way back to a room)', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    for (const line of ['/join dev', '/join lobby', 'in the lobby', '/join dev', '/leave', 'again']) ann.type(line)
    expect(ann.listener.messages().map(({ room, text }) => [room, text])).toEqual([
      ['lobby', 'in the lobby'],
      ['lobby', 'again'],
    ])
    expect(ann.listener.of('joined').map(({ room, members }) => [room, members])).toEqual([
      ['lobby', 1],
      ['dev', 1],
      ['lobby', 2],
      ['dev', 1],
    ])
    expect(ann.listener.of('error')).toEqual([])
    expect(bob.listener.of('presence').flatMap(({ left }) => left)).toEqual([])
  })

  test('lines sent at once mean the room of their moment', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    ann.ask({ type: 'line', text: 'in the lobby' })
    ann.ask({ type: 'line', text: '/join dev' })
    ann.ask({ type: 'line', text: 'in dev' })
    ann.ask({ type: 'line', text: '/leave' })
    ann.ask({ type: 'line', text: 'in the lobby again' })
    world.settle()
    expect(
      ann.listener
        .messages()
        .map(({ room, text }) => `${room}: ${text}`)
        .sort(),
    ).toEqual(['dev: in dev', 'lobby: in the lobby', 'lobby: in the lobby again'])
  })

  test('the last 20 messages greet a newcomer', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    for (let n = 1; n <= 30; n++) ann.ask({ type: 'say', text: `${n}` })
    world.settle()
    const bob = world.come('bob')
    expect(bob.listener.said()).toEqual(Array.from({ length: 20 }, (_, n) => `${n + 11}`))
    expect(bob.listener.of('history')[0]?.more).toBe(true)
  })

  test('one connection is in so many rooms and no more', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    for (let n = 0; n < limits.chatRoomsPerConnection; n++) ann.ask({ type: 'join', room: `r${n}` })
    world.settle()
    expect(ann.listener.of('error').map(({ code }) => code)).toEqual(['TOO_MANY'])
    expect(ann.listener.of('joined')).toHaveLength(limits.chatRoomsPerConnection)
  })

  test('/who names who is there: once, however many connections', () => {
    const world = new ChatWorld()
    const people = [world.come('bob'), world.come('ann', { operator: true }), world.come('ann')]
    people[1]?.type('/away lunch')
    people[1]?.type('/mute bob')
    people[0]?.type('/who')
    expect(people[0]?.listener.of('who')).toEqual([
      {
        type: 'who',
        room: 'lobby',
        members: 2,
        names: [
          { name: 'ann', operator: true, away: 'lunch' },
          { name: 'bob', muted: true },
        ],
      },
    ])
    people[0]?.type('/msg ann hello')
    expect(people[0]?.listener.of('notice').at(-1)?.text).toBe('ann is away: lunch')
  })
})
