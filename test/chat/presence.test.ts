import { describe, expect, test } from '@jest/globals'
import { limits } from '../../src/base/limits.ts'
import { ChatWorld } from '../support/chat-world.ts'

describe('coming and going', () => {
  test('a thousand who come at once are told in a few messages, and all of them are in', () => {
    const world = new ChatWorld({ edges: 4 })
    const first = world.come('first')
    world.clock.advance(limits.chatPresenceMs)
    const people = Array.from({ length: 1000 }, (_, n) => world.come(`m${n}`, { settle: false }))
    world.settle()
    world.clock.advance(limits.chatPresenceMs)
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
    world.clock.advance(limits.chatPresenceMs)
    bob.vanish()
    world.clock.advance(2 * limits.chatPresenceMs)
    world.settle()
    expect(ann.listener.of('presence').at(-1)).toMatchObject({ left: ['bob'], members: 1 })
    world.come('bob')
    ann.type('/who')
    expect(ann.listener.of('who')[0]?.members).toBe(2)
  })

  test('a second connection is no news, nor is a short absence', () => {
    const world = new ChatWorld()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    world.clock.advance(2 * limits.chatPresenceMs)
    world.settle()
    const news = ann.listener.of('presence').length
    const second = world.come('bob')
    bob.vanish()
    second.vanish()
    world.come('bob')
    world.clock.advance(2 * limits.chatPresenceMs)
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
    const all = Array.from({ length: limits.chatConnectionsPerMember + 1 }, () => world.come('ann'))
    expect(all[0]?.listener.ended).toBe('exit')
    expect(all.slice(1).every(({ listener }) => listener.ended === undefined)).toBe(true)
  })

  test('when a thread of connections dies, its people are gone', () => {
    const world = new ChatWorld()
    const ann = world.come('ann')
    const lost = world.chat.backplane()
    lost.subscribe(() => {})
    lost.publish([{ type: 'opened', connection: 99, name: 'bob', operator: false, dialect: 'text' }])
    world.settle()
    lost.close()
    world.settle()
    ann.type('/who')
    expect(ann.listener.of('who')[0]?.members).toBe(1)
  })
})
