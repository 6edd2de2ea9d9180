import { describe, expect, test } from '@jest/globals'
import { consoleName } from '../../src/chat/requests.ts'
import { ChatWorld } from '../support/chat-world.ts'

describe('operators', () => {
  const crowd = () => {
    const world = new ChatWorld()
    return { world, op: world.come('op', { operator: true }), bob: world.come('bob') }
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
    expect(op.listener.of('notice')).toMatchObject([{ text: 'op may enter #lobby again' }])
  })

  test('/kick puts somebody out, who may come back', () => {
    const { world, op, bob } = crowd()
    op.type('/kick bob be nice')
    expect(bob.listener.of('left')).toEqual([
      { type: 'left', room: 'lobby', why: 'kicked', by: 'op', reason: 'be nice' },
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

  test("the server's console may do the same, and say something", () => {
    const { world, op, bob } = crowd()
    expect(world.chat.command('say #lobby stopping at noon')).toBe('* said in #lobby')
    expect(world.chat.command('who')).toBe('* 2 people in #lobby:\n*   bob\n*   op (operator)')
    expect(world.chat.command('/kick bob')).toBe('* bob was put out of #lobby')
    expect(world.chat.command('topic #dev new')).toBe('* the topic of #dev is set')
    expect(world.chat.command('ban')).toBe('! something is missing: /ban [#ROOM] NAME [off]')
    expect(world.chat.command('/help')).toContain('* say [#ROOM] TEXT')
    world.settle()
    expect(op.listener.of('message')).toMatchObject([{ from: consoleName, text: 'stopping at noon' }])
    expect(bob.listener.of('left')).toHaveLength(1)
  })

  test.each(['status', 'quit', 'history', ''])('"%s" at the console is no command of the chat', (line) => {
    expect(crowd().world.chat.command(line)).toBeUndefined()
  })
})
