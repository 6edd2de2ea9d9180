import { describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { type History, type ModerationEntry, noHistory, nothingRemembered } from '../../src/chat/history.ts'
import { chatLimits } from '../../src/chat/limits.ts'
import { OperatorClaims, type OperatorName } from '../../src/chat/operators.ts'
import { consoleName } from '../../src/chat/requests.ts'
import { ModerationStore } from '../../src/chat/room.ts'
import { DuplicateFilter } from '../../src/chat/state.ts'
import { accountOf, ChatWorld } from '../support/chat-world.ts'

describe('saying something', () => {
  test('it reaches everybody in the room and comes back to its sender, with id and time, and nobody else', () => {
    const world = new ChatWorld({ gateways: 2 })
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
      world.clock.advance(chatLimits.presenceMs)
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

  test.each([
    ['another text', { type: 'say', text: 'other', cid: 'x' }],
    ['another room', { type: 'say', room: 'dev', text: 'once', cid: 'x' }],
    ['another kind', { type: 'me', text: 'once', cid: 'x' }],
    ['a private message', { type: 'msg', name: 'bob', text: 'once', cid: 'x' }],
  ])('bug: %s under an id of before was acknowledged, and said to nobody', (_, message) => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    for (const person of [ann, bob]) person.type('/join dev')
    ann.type('/join lobby')
    ann.send({ type: 'say', text: 'once', cid: 'x' })
    ann.send({ ...message, ref: 5 })
    expect(ann.listener.of('error')).toMatchObject([{ code: 'CID_REUSED', request: message.type, cid: 'x', ref: 5 }])
    expect(ann.listener.of('message')).toHaveLength(1)
    ann.send({ type: 'say', text: 'once', cid: 'x' })
    expect(ann.listener.of('message').map(({ id }) => id)).toEqual([1, 1])
    expect(bob.listener.said()).toEqual(['once'])
  })

  test('a private message sent again is answered, though the other one has left and the first room is another', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    const message = { type: 'msg', name: 'Bob', text: 'hello', cid: 'x' }
    ann.send(message)
    bob.vanish()
    ann.send(message)
    expect(ann.listener.of('private').map(({ id, text }) => [id, text])).toEqual(Array(2).fill([1, 'hello']))
    expect(ann.listener.of('error')).toEqual([])
    ann.send({ ...message, cid: 'y' })
    expect(ann.listener.of('error')).toMatchObject([{ code: 'NOT_HERE', request: 'msg', cid: 'y' }])
  })

  test('every request with a "ref" has an answer that carries it, and nobody else hears of it', async () => {
    const world = new ChatWorld({ operators: ['op'], registered: ['zoe'] })
    const [op, bob] = [world.come('op'), world.come('bob')]
    const requests = [
      { type: 'say', text: 'hello' },
      { type: 'say', text: 'hello', cid: 'x' },
      { type: 'say', text: 'hello', cid: 'x' },
      { type: 'me', text: 'waves' },
      { type: 'msg', name: 'bob', text: 'hello' },
      { type: 'msg', name: 'op', text: 'hello' },
      { type: 'msg', name: 'nobody', text: 'hello' },
      { type: 'join', room: 'dev' },
      { type: 'join', room: 'lobby' },
      { type: 'leave', room: 'dev' },
      { type: 'leave', room: 'dev' },
      { type: 'rooms' },
      { type: 'who' },
      { type: 'history' },
      { type: 'away', text: 'lunch' },
      { type: 'topic', text: 'mine' },
      { type: 'topic', room: 'far', text: 'mine' },
      { type: 'mute', name: 'bob' },
      { type: 'mute', name: 'bob', off: true },
      { type: 'ban', name: 'zoe' },
      { type: 'ban', name: 'nobody' },
      { type: 'op', name: 'zoe' },
      { type: 'op', name: 'nobody' },
      { type: 'kick', name: 'bob' },
      { type: 'kick', name: 'bob' },
      { type: 'claim', code: 'x' },
      { type: 'help' },
      { type: 'ping' },
      { type: 'line', text: '/who' },
      { type: 'quit' },
    ]
    for (const [ref, request] of requests.entries()) {
      op.send({ ...request, ref })
      await world.settled()
    }
    expect(requests.map((_, ref) => op.listener.received.some((message) => message.ref === ref))).toEqual(
      requests.map(() => true),
    )
    expect(bob.listener.received.filter(({ ref }) => ref !== undefined)).toEqual([])
    expect(op.listener.of('error').map(({ code, request, room }) => [code, request, room])).toEqual([
      ['NOT_HERE', 'msg', undefined],
      ['NOT_IN_ROOM', 'leave', 'dev'],
      ['NO_PERSON', 'ban', 'lobby'],
      ['NO_PERSON', 'op', undefined],
      ['NOT_HERE', 'kick', 'lobby'],
      ['NOT_OPERATOR', 'claim', undefined],
    ])
    expect(op.listener.of('done').map(({ request, id }) => [request, typeof id])).toEqual([
      ['say', 'number'],
      ['say', 'number'],
      ['me', 'number'],
      ['topic', 'undefined'],
    ])
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
    for (let n = 0; n < chatLimits.roomsPerConnection; n++) ann.ask({ type: 'join', room: `r${n}` })
    world.settle()
    expect(ann.listener.of('error').map(({ code }) => code)).toEqual(['TOO_MANY'])
    expect(ann.listener.of('joined')).toHaveLength(chatLimits.roomsPerConnection)
  })

  test('/who names who is there: once, however many connections', () => {
    const world = new ChatWorld({ operators: ['ann'] })
    const people = [world.come('bob'), world.come('ann'), world.come('ann')]
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

describe('coming and going', () => {
  test('a thousand who come at once are told in a few messages, and all of them are in', () => {
    const world = new ChatWorld({ gateways: 4 })
    const first = world.come('first')
    world.clock.advance(chatLimits.presenceMs)
    const people = Array.from({ length: 1000 }, (_, n) => world.come(`m${n}`, { settle: false }))
    world.settle()
    world.clock.advance(chatLimits.presenceMs)
    world.settle()
    const told = first.listener.of('presence')
    expect(told).toHaveLength(2)
    expect(told.reduce((sum, { joined, unnamed }) => sum + joined.length + unnamed, 0)).toBe(1001)
    expect(told.at(-1)?.members).toBe(1001)
    first.send({ type: 'say', text: 'welcome' })
    expect(people.every(({ listener }) => listener.said().join() === 'welcome')).toBe(true)
  })

  test('who vanishes without a word is gone from the room, and the name is free of ghosts', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    world.clock.advance(chatLimits.presenceMs)
    bob.vanish()
    world.clock.advance(2 * chatLimits.presenceMs)
    world.settle()
    expect(ann.listener.of('presence').at(-1)).toMatchObject({ left: ['bob'], members: 1 })
    world.come('bob')
    ann.type('/who')
    expect(ann.listener.of('who')[0]?.members).toBe(2)
  })

  test('a second connection is no news, nor is a short absence', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    world.clock.advance(2 * chatLimits.presenceMs)
    world.settle()
    const news = ann.listener.of('presence').length
    const second = world.come('bob')
    bob.vanish()
    second.vanish()
    world.come('bob')
    world.clock.advance(2 * chatLimits.presenceMs)
    world.settle()
    expect(ann.listener.of('presence')).toHaveLength(news)
  })

  test('/quit says goodbye after everything that was said before, and the connection is ended', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    ann.ask({ type: 'say', text: 'bye all' })
    ann.ask({ type: 'quit' })
    ann.ask({ type: 'say', text: 'too late' })
    world.settle()
    expect(ann.listener.received.slice(-2).map(({ type }) => type)).toEqual(['message', 'bye'])
    expect(ann.listener.ended).toBe('exit')
    ann.vanish()
    const again = world.come('ann')
    bob.type('/who')
    expect(bob.listener.of('who')[0]?.names.map(({ name }) => name)).toEqual(['ann', 'bob'])
    expect(bob.listener.said()).toEqual(['bye all'])
    expect(again.listener.said()).toEqual(['bye all'])
  })

  test('too many connections of one person end the oldest', () => {
    const world = new ChatWorld()
    const all = Array.from({ length: chatLimits.connectionsPerMember + 1 }, () => world.come('ann'))
    expect(all[0]?.listener.ended).toBe('exit')
    expect(all.slice(1).every(({ listener }) => listener.ended === undefined)).toBe(true)
  })

  test('when a thread of connections dies, its people are gone', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    const lost = world.chat.backplane()
    lost.subscribe(() => {})
    lost.publish([
      { type: 'opened', connection: 99, name: 'bob', account: accountOf('bob'), address: '192.0.2.1', dialect: 'text' },
    ])
    world.settle()
    lost.close()
    world.settle()
    ann.type('/who')
    expect(ann.listener.of('who')[0]?.members).toBe(1)
  })
})

describe('rooms for all', () => {
  test('bug: two people filled all rooms, with 16 connections each', () => {
    const world = new ChatWorld()
    const { roomsPerMember, roomsPerConnection, roomsPerMemberWhenScarce: few } = chatLimits
    const ann = Array.from({ length: 4 }, () => world.come('ann'))
    for (const [index, one] of ann.entries())
      for (let n = 0; n < roomsPerConnection; n++) one.type(`/join r${index}-${n}`)
    const refusals = ann.flatMap(({ listener }) => listener.of('error'))
    expect(String(world.chat.command('rooms')).split('\n')).toHaveLength(roomsPerMember)
    expect(refusals).toHaveLength(4 * roomsPerConnection - (roomsPerMember - 1))
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['TOO_MANY']))
    expect(refusals.at(-1)?.text).toMatch('you are in 32 rooms already, with all your connections')
    // Where another connection is already, there is no new room.
    ann[1]?.type('/join r0-5')
    expect(ann[1]?.listener.of('joined').at(-1)?.room).toBe('r0-5')
    const crowd = Array.from({ length: 20 }, (_, index) => world.come(`p${index}`))
    for (const [index, one] of crowd.entries()) for (let n = 0; n < 31; n++) one.type(`/join q${index}-${n}`)
    expect(String(world.chat.command('rooms')).split('\n').length).toBeLessThan(chatLimits.rooms / 2 + 20 * few)
    const [last] = crowd.slice(-1)
    expect(last?.listener.of('error').at(-1)?.text).toMatch('more than half of all rooms are taken')
    // Who is in few rooms still makes one, and whoever likes enters one that is there.
    const bob = world.come('bob')
    bob.type('/join new')
    expect(bob.listener.of('joined').at(-1)?.room).toBe('new')
    last?.type('/join new')
    expect(last?.listener.of('joined').at(-1)?.room).toBe('new')
  })

  test.each([
    ['team1', 'teaml'],
    ['ace', 'асе'],
    ['lobby', '1obby'],
  ])('while there is #%s nobody makes #%s, which looks like it', (room, alike) => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    ann.type(`/join ${room}`)
    ann.type(`/join ${alike}`)
    expect(ann.listener.of('error')).toMatchObject([{ code: 'BAD_ROOM', text: expect.stringContaining(`#${room}`) }])
    if (room === 'lobby') return
    ann.type(`/leave ${room}`)
    ann.type(`/join ${alike}`)
    expect(ann.listener.of('joined').at(-1)?.room).toBe(alike)
  })
})

describe('operators', () => {
  const crowd = () => {
    const world = new ChatWorld({ operators: ['op'] })
    return { world, op: world.come('op'), bob: world.come('bob') }
  }

  test('others may not do what operators do, and do not see it in the help', () => {
    const { op, bob } = crowd()
    for (const line of ['/kick op', '/ban op', '/mute op', '/op bob', '/topic mine']) bob.type(line)
    expect(bob.listener.of('error').map(({ code }) => code)).toEqual(Array(5).fill('NOT_OPERATOR'))
    bob.type('/help')
    op.type('/help')
    const usages = (person: typeof op) => person.listener.of('help')[0]?.commands.map(({ usage }) => usage) ?? []
    expect(usages(bob)).not.toContain('/op NAME [off]')
    expect(usages(op)).toContain('/op NAME [off]')
  })

  test.each(['/kick OP', '/ban op'])('%s does not put out whoever typed it', (line) => {
    const { op } = crowd()
    op.type(line)
    expect(op.listener.of('error')).toMatchObject([{ code: 'USAGE', text: 'that is you; /leave leaves the room' }])
    expect(op.listener.of('left')).toEqual([])
    op.type('/ban op off')
    expect(op.listener.of('moderated')).toMatchObject([{ you: true }, { action: 'ban', name: 'op', off: true }])
  })

  test('/kick puts somebody out, who may come back', () => {
    const { world, op, bob } = crowd()
    op.type('/kick bob be nice')
    expect(bob.listener.of('left')).toEqual([
      { type: 'left', room: 'lobby', why: 'kicked', by: 'op', reason: 'be nice', current: null },
    ])
    expect(op.listener.of('moderated')).toEqual([
      { type: 'moderated', action: 'kick', room: 'lobby', name: 'bob', by: 'op', off: false },
    ])
    op.send({ type: 'say', text: 'gone' })
    expect(bob.listener.said()).toEqual([])
    bob.type('/join lobby')
    expect(bob.listener.said()).toEqual(['gone'])
    op.type('/kick zoe')
    expect(op.listener.of('error')).toMatchObject([{ code: 'NOT_HERE' }])
    expect(world.events).toContainEqual({
      type: 'moderated',
      by: 'op',
      action: 'kick',
      room: 'lobby',
      name: 'bob',
      off: false,
    })
  })

  test('a decision about somebody who is not here holds for the account, and a person who does not exist is an error', async () => {
    const world = new ChatWorld({ operators: ['op'], registered: ['Zoe'] })
    const op = world.come('op')
    for (const request of ['/ban zoe', '/mute zoe', '/op zoe', '/ban ghost', '/mute ghost', '/op ghost']) {
      op.type(request)
      await world.settled()
    }
    expect(op.listener.of('error').map(({ code, request }) => [code, request])).toEqual([
      ['NO_PERSON', 'ban'],
      ['NO_PERSON', 'mute'],
      ['NO_PERSON', 'op'],
    ])
    const [zoe, thief, ghost] = [
      world.come('Zoe'),
      world.come('zoe', { account: 'registered later' }),
      world.come('ghost'),
    ]
    expect([zoe, thief, ghost].map(({ listener }) => listener.of('error').map(({ code }) => code))).toEqual([
      ['BANNED'],
      [],
      [],
    ])
    expect(zoe.listener.of('notice')).toMatchObject([{ text: 'you are in no room; /join one' }])
    zoe.type('/topic #dev mine')
    ghost.type('/topic mine')
    expect(ghost.listener.of('error')).toMatchObject([{ code: 'NOT_OPERATOR', request: 'topic', room: 'lobby' }])
    await expect(world.chat.command('op ghost2')).rejects.toThrow('nobody is called ghost2')
    expect(await world.chat.command('ban #dev GHOST')).toBe('* ghost is banned from #dev')
  })

  test('who is put out of the last room is told to be in none', () => {
    const { op, bob } = crowd()
    bob.type('/join dev')
    op.type('/kick bob')
    bob.type('/leave')
    expect(bob.listener.of('left').map(({ room, current }) => [room, current])).toEqual([
      ['lobby', 'dev'],
      ['dev', null],
    ])
    bob.type('hello')
    expect(bob.listener.of('error')).toMatchObject([{ code: 'NO_ROOM', request: 'say' }])
  })

  test('/ban keeps somebody out, on the next visit too, until it is taken back', () => {
    const { world, op, bob } = crowd()
    op.type('/ban BOB')
    expect(bob.listener.of('left')).toMatchObject([{ why: 'banned' }])
    bob.vanish()
    const again = world.come('bob')
    expect(again.listener.of('error')).toMatchObject([{ code: 'BANNED' }])
    expect(again.listener.of('joined')).toEqual([])
    op.type('/ban bob off')
    again.type('/join lobby')
    expect(again.listener.of('joined')).toHaveLength(1)
  })

  test('/mute lets somebody only read', () => {
    const { op, bob } = crowd()
    op.type('/mute bob')
    bob.type('anybody there?')
    expect(bob.listener.of('error')).toMatchObject([{ code: 'MUTED' }])
    op.type('/mute op')
    expect(op.listener.of('error')).toMatchObject([{ text: expect.stringContaining('whom nobody can mute') }])
    op.type('/mute bob off')
    bob.type('thank you')
    expect(op.listener.said()).toEqual(['thank you'])
  })

  test('/op makes an operator, and takes it back', () => {
    const { world, op, bob } = crowd()
    op.type('/op bob')
    bob.type('/topic Ships & sails')
    expect(op.listener.of('topic')).toEqual([{ type: 'topic', room: 'lobby', topic: 'Ships & sails', by: 'bob' }])
    expect(world.come('eve').listener.of('joined')[0]?.topic).toBe('Ships & sails')
    op.type('/op bob off')
    bob.type('/topic')
    expect(bob.listener.of('error')).toMatchObject([{ code: 'NOT_OPERATOR' }])
  })

  test('what an operator says is marked, in rooms and in private, from the moment of becoming one', () => {
    const { op, bob } = crowd()
    bob.send({ type: 'say', text: 'one' })
    op.send({ type: 'say', text: 'two' })
    op.type('/msg bob three')
    op.type('/op bob')
    bob.send({ type: 'me', text: 'four' })
    const marked = bob.listener.of('message').map(({ text, operator }) => [text, operator])
    expect(marked).toEqual([
      ['one', undefined],
      ['two', true],
      ['four', true],
    ])
    expect(bob.listener.of('private')).toMatchObject([{ text: 'three', operator: true }])
  })

  test("the server's console may do the same, and say something", () => {
    const { world, op, bob } = crowd()
    expect(world.chat.command('say #lobby stopping at noon')).toBe('* said in #lobby')
    expect(world.chat.command('who')).toBe('* 2 people in #lobby:\n*   bob (192.0.2.1)\n*   @op (operator, 192.0.2.1)')
    expect(world.chat.command('/kick bob')).toBe('* bob was put out of #lobby')
    expect(world.chat.command('topic #dev new')).toBe('* the topic of #dev is set')
    expect(() => world.chat.command('ban')).toThrow(
      expect.objectContaining({ message: 'something is missing: /ban [#ROOM] NAME [off]', exit: ExitCode.negative }),
    )
    expect(world.chat.command('/help')).toContain('* say [#ROOM] TEXT')
    world.settle()
    expect(op.listener.of('message')).toMatchObject([{ from: consoleName, text: 'stopping at noon' }])
    expect(bob.listener.of('left')).toHaveLength(1)
  })

  test.each(['status', 'quit', 'history', ''])('"%s" at the console is no command of the chat', (line) => {
    expect(crowd().world.chat.command(line)).toBeUndefined()
  })
})

describe('the memory of resends', () => {
  const taken = (id: number) => ({ id, at: id, said: 7 })

  test('knows the latest ids of each member, and no others', () => {
    const memory = new DuplicateFilter(2, 10)
    for (const id of [1, 2, 3]) memory.add('ann', `c${id}`, taken(id))
    expect(['c1', 'c2', 'c3'].map((cid) => memory.find('ann', cid, 7)?.id)).toEqual([undefined, 2, 3])
    expect(memory.find('bob', 'c3', 7)).toBeUndefined()
  })

  test('forgets the member least recently heard', () => {
    const memory = new DuplicateFilter(2, 2)
    memory.add('ann', 'x', taken(1))
    memory.add('bob', 'x', taken(2))
    memory.add('ann', 'y', taken(3))
    memory.add('eve', 'x', taken(4))
    expect(['ann', 'bob', 'eve'].map((name) => memory.find(name, 'x', 7)?.id)).toEqual([1, undefined, 4])
  })
})

describe('rights belong to an account, not to its name', () => {
  const registered = (name: string) => ({ name, account: accountOf(name) })
  const nobody = (name: string) => ({ name, account: undefined })

  /** A chat after a start with these names of --operators, over what an earlier one kept. */
  function start(operators: readonly OperatorName[], kept: readonly ModerationEntry[] = []) {
    const moderation = new ModerationStore(kept)
    const entries = [...kept]
    const claims = new OperatorClaims(operators, moderation, (entry) => {
      moderation.set(entry, false)
      entries.push(entry)
    })
    const code = (name: string) =>
      claims.notices
        .find((notice) => notice.includes(` ${name}:`))
        ?.split(' ')
        .at(-1) ?? ''
    return { claims, entries, code }
  }

  test('a name of --operators that an account has means that account, now and later', () => {
    const first = start([registered('root')])
    expect(first.claims.notices).toEqual([])
    expect(first.claims.has({ account: accountOf('root') })).toBe(true)
    expect(first.claims.has({ account: 'somebody who registered the name again' })).toBe(false)
    const second = start([{ name: 'root', account: 'somebody who registered the name again' }], first.entries)
    expect(second.claims.has({ account: 'somebody who registered the name again' })).toBe(false)
    expect(second.code('root')).toMatch(/^[a-z2-9]{4}-[a-z2-9]{4}$/)
    expect(start([], first.entries).claims.has(registered('root'))).toBe(false)
  })

  test('a name that nobody has is claimed with the code, once, and stays claimed', () => {
    const { claims, code, entries } = start([nobody('root')])
    const root = registered('root')
    expect(claims.has(root)).toBe(false)
    expect(claims.claim(root, 'aaaa-aaaa')).toBe(false)
    expect(claims.claim(registered('bob'), code('root'))).toBe(false)
    const right = code('root')
    expect(claims.claim(root, ` ${right.toUpperCase()} `)).toBe(true)
    expect([claims.has(root), claims.notices]).toEqual([true, []])
    expect(claims.claim({ name: 'root', account: 'another' }, right)).toBe(false)
    expect(start([root], entries).claims.has(root)).toBe(true)
  })

  test('a code is good for so many guesses', () => {
    const { claims, code } = start([nobody('root')])
    const right = code('root')
    for (let wrong = 0; wrong < chatLimits.claimAttempts; wrong++) claims.claim(registered('root'), 'aaaa-aaaa')
    expect(claims.claim(registered('root'), right)).toBe(false)
  })

  test('/claim makes an operator, at once and everywhere; a wrong code makes none', () => {
    const world = new ChatWorld({ unclaimed: ['root'] })
    const [here, there] = [world.come('root'), world.come('root')]
    here.type('/topic mine')
    here.type('/claim aaaa-aaaa')
    expect(here.listener.of('error').map(({ code }) => code)).toEqual(['NOT_OPERATOR', 'NOT_OPERATOR'])
    here.type(`/claim ${world.chat.operatorNotices[0]?.split(' ').at(-1) ?? ''}`)
    there.type('/topic mine')
    expect(there.listener.of('topic')).toMatchObject([{ topic: 'mine' }])
    expect(JSON.stringify(world.events)).not.toContain('-')
  })

  test('who registers the name of an operator, or of somebody banned, is somebody else', async () => {
    const world = new ChatWorld({ operators: ['op'] })
    const [op, ann, bob] = [world.come('op'), world.come('ann'), world.come('bob')]
    op.type('/op ann')
    op.type('/ban bob')
    op.type('/op zoe')
    await world.settled()
    expect(op.listener.of('error')).toMatchObject([{ code: 'NO_PERSON' }])
    ann.type('/topic mine')
    expect(ann.listener.of('error')).toEqual([])
    const [newOp, newAnn, newBob, zoe] = ['op', 'ann', 'bob', 'zoe'].map((name) =>
      world.come(name, { account: 'registered later' }),
    )
    for (const person of [newOp, newAnn, zoe]) {
      person?.type('/topic theirs')
      expect(person?.listener.of('error')).toMatchObject([{ code: 'NOT_OPERATOR' }])
    }
    expect(newBob?.listener.of('joined')).toHaveLength(1)
    bob.type('/join lobby')
    expect(bob.listener.of('error')).toMatchObject([{ code: 'BANNED' }])
  })
})

describe('somebody who gets another name', () => {
  test('is the same to all: marks, rights, rooms and what is sent again stay, and the others are told', () => {
    const world = new ChatWorld({ operators: ['op'] })
    const [op, bob] = [world.come('op'), world.come('bob')]
    op.type('/mute bob')
    op.type('/ban #dev bob')
    bob.send({ type: 'msg', name: 'op', text: 'hello', cid: '1' })
    world.chat.rename(accountOf('bob'), 'Rob Lee')
    world.settle()
    for (const { listener } of [op, bob])
      expect(listener.of('renamed')).toEqual([{ type: 'renamed', room: 'lobby', old: 'bob', name: 'Rob Lee' }])
    bob.type('hello')
    bob.type('/join dev')
    expect(bob.listener.of('error').map(({ code }) => code)).toEqual(['MUTED', 'BANNED'])
    bob.send({ type: 'msg', name: 'op', text: 'hello', cid: '1' })
    expect(op.listener.of('private')).toHaveLength(1)
    op.type('/mute "rob lee" off')
    bob.type('now')
    expect(op.listener.of('message')).toMatchObject([{ from: 'Rob Lee', text: 'now' }])
    world.chat.rename(accountOf('op'), 'boss')
    op.type('/topic mine')
    expect(op.listener.of('topic')).toMatchObject([{ by: 'boss' }])
    op.vanish()
    const [again, thief] = [world.come('boss', { account: accountOf('op') }), world.come('op', { account: 'another' })]
    again.type('/topic mine again')
    thief.type('/topic theirs')
    expect([again, thief].map(({ listener }) => listener.of('error').length)).toEqual([0, 1])
  })

  test('keeps marks on disk under the new name, so that the old one is free for somebody else', () => {
    const store: ModerationEntry[] = []
    const history: History = {
      ...noHistory,
      moderate(entry, off, done) {
        const at = store.findIndex(
          ({ kind, room, name }) => kind === entry.kind && room === entry.room && name === entry.name,
        )
        if (at >= 0) store.splice(at, 1)
        if (!off) store.push(entry)
        done(undefined)
      },
    }
    const world = new ChatWorld({ operators: ['op'], history })
    const [op, bob] = [world.come('op'), world.come('bob')]
    op.type('/ban bob')
    world.chat.rename(accountOf('bob'), 'rob')
    world.settle()
    const other = world.come('bob', { account: 'another' })
    op.type('/ban bob')
    expect(store.filter(({ kind }) => kind === 'ban').map(({ name, account }) => [name, account])).toEqual([
      ['rob', accountOf('bob')],
      ['bob', 'another'],
    ])
    const later = new ChatWorld({ remembered: { ...nothingRemembered(1), moderation: store } })
    for (const [name, account] of [
      ['rob', accountOf('bob')],
      ['bob', 'another'],
      ['bob', 'a third'],
    ] as const) {
      const person = later.come(name, { account })
      expect([name, account, person.listener.of('error').length]).toEqual([
        name,
        account,
        account === 'a third' ? 0 : 1,
      ])
    }
    expect([bob, other].map(({ listener }) => listener.of('left').length)).toEqual([1, 1])
  })
})
