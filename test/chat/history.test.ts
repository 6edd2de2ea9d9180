import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { clientStyle, ownClock } from '../../src/chat/client-style.ts'
import { ClientView } from '../../src/chat/client-view.ts'
import { type Epoch, fingerprint, nothingRemembered } from '../../src/chat/history.ts'
import { chatLimits } from '../../src/chat/limits.ts'
import type { ChatMessage, ChatServerMessage } from '../../src/chat/message.ts'
import { parseEnter } from '../../src/chat/parse.ts'
import { accountOf, ChatWorld, type Person } from '../support/chat-world.ts'
import { whileTrue } from '../support/event-loop.ts'
import { MemoryHistory } from '../support/memory-history.ts'

function said(id: number, text = `m${id}`, room = 'lobby'): ChatMessage {
  return { type: 'message', id, at: 1000 + id, room, from: 'zoe', text }
}

/** A world whose disk answers only when it is told to. */
function slowDisk(stored: readonly ChatMessage[] = []) {
  const history = new MemoryHistory()
  history.stored.push(...stored)
  const world = new ChatWorld({
    history,
    remembered: { ...nothingRemembered(1), nextId: stored.length + 1 },
    operators: ['op'],
  })
  const answerAll = (): void => {
    whileTrue(() => {
      world.settle()
      return history.answer()
    })
  }
  return { history, world, answerAll }
}

describe('with history', () => {
  test('nobody sees a message, its sender included, before it is stored', () => {
    const { history, world, answerAll } = slowDisk()
    const ann = world.come('ann')
    answerAll()
    ann.send({ type: 'say', text: 'hello' })
    expect(ann.listener.said()).toEqual([])
    history.answer()
    world.settle()
    expect(ann.listener.said()).toEqual(['hello'])
  })

  test('while one batch is stored the next one gathers', () => {
    const { history, world, answerAll } = slowDisk()
    const ann = world.come('ann')
    answerAll()
    for (const text of ['1', '2', '3', '4']) ann.send({ type: 'say', text })
    expect(history.waiting).toBe(1)
    answerAll()
    expect(ann.listener.said()).toEqual(['1', '2', '3', '4'])
  })

  test('a resend waits for the original to be stored', () => {
    const { history, world, answerAll } = slowDisk()
    const ann = world.come('ann')
    answerAll()
    ann.send({ type: 'say', text: 'hello', cid: 'x' })
    const again = world.come('ann')
    again.send({ type: 'say', text: 'hello', cid: 'x' })
    expect(again.listener.said()).toEqual([])
    answerAll()
    expect(again.listener.messages().every(({ id }) => id === 1)).toBe(true)
    expect(history.stored).toHaveLength(1)
  })

  test('a resend is recognised after a restart', () => {
    const history = new MemoryHistory()
    const clientIds = [{ from: 'ann', cid: 'x', id: 7, at: 5, said: fingerprint('say', 'lobby', 'hello') }]
    const world = new ChatWorld({ history, remembered: { ...nothingRemembered(8), clientIds } })
    const ann = world.come('ann')
    ann.send({ type: 'say', text: 'hello', cid: 'x' })
    whileTrue(() => {
      world.settle()
      return history.answer()
    })
    expect(ann.listener.of('message')).toMatchObject([{ id: 7, at: 5, cid: 'x' }])
    expect(history.stored).toEqual([])
  })

  test('bans, mutes, operators and topics outlive a restart', () => {
    const moderation = [
      { kind: 'topic', room: 'lobby', name: '', text: 'old topic', account: '' },
      { kind: 'op', room: '', name: 'ann', text: '', account: accountOf('ann') },
      { kind: 'ban', room: 'lobby', name: 'bob', text: '', account: accountOf('bob') },
      { kind: 'mute', room: 'lobby', name: 'eve', text: '', account: '' },
    ] as const
    const world = new ChatWorld({ remembered: { ...nothingRemembered(1), moderation } })
    const [ann, bob, eve] = [world.come('ann'), world.come('bob'), world.come('eve')]
    expect(ann.listener.of('joined')[0]?.topic).toBe('old topic')
    ann.type('/topic new')
    eve.type('hello')
    expect([ann, bob, eve].map(({ listener }) => listener.of('error')[0]?.code)).toEqual([undefined, 'BANNED', 'MUTED'])
  })

  test('what operators decide is kept', () => {
    const { history, world, answerAll } = slowDisk()
    const [op] = [world.come('op'), world.come('bob')]
    op.type('/ban bob')
    op.type('/ban BOB off')
    answerAll()
    const entry = { kind: 'ban', room: 'lobby', name: 'bob', text: '', account: accountOf('bob') }
    expect(history.moderation.filter((one) => one.entry.kind !== 'claim')).toEqual([
      { entry, off: false },
      { entry, off: true },
    ])
  })

  test('a full disk: the chat goes on, operators are told once, and again when it is over', () => {
    const { history, world, answerAll } = slowDisk()
    const [op, ann] = [world.come('op'), world.come('ann')]
    answerAll()
    history.broken = 'database or disk is full'
    for (const text of ['1', '2']) {
      ann.send({ type: 'say', text })
      answerAll()
    }
    expect(op.listener.of('message').map(({ text, unstored }) => [text, unstored])).toEqual([
      ['1', true],
      ['2', true],
    ])
    history.broken = undefined
    ann.send({ type: 'say', text: '3' })
    answerAll()
    expect(op.listener.of('notice').map(({ text }) => text)).toEqual([
      'the history cannot be written (database or disk is full); the chat goes on without it',
      'the history is written again; 2 messages are not in it',
    ])
    expect(ann.listener.of('notice')).toEqual([])
    expect(ann.listener.said()).toEqual(['1', '2', '3'])
    expect(world.events.filter(({ type }) => type !== 'moderated')).toEqual([
      { type: 'history-failed', error: 'database or disk is full' },
      { type: 'history-resumed', unstored: 2 },
    ])
  })

  test('the history of a room that is not in memory greets its first member', () => {
    const { world, answerAll } = slowDisk(Array.from({ length: 30 }, (_, n) => said(n + 1)))
    const ann = world.come('ann')
    expect(ann.listener.received).toEqual([])
    answerAll()
    expect(ann.listener.messages().map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, n) => n + 11))
  })

  test('/history pages, only for members of the room', () => {
    const { world, answerAll } = slowDisk(Array.from({ length: 30 }, (_, n) => said(n + 1)))
    const ann = world.come('ann')
    answerAll()
    ann.send({ type: 'history', range: { before: 11, limit: 4 } })
    ann.send({ type: 'history', range: { after: 28 } })
    ann.send({ type: 'history', room: 'dev' })
    answerAll()
    const pages = ann.listener.of('history').slice(1)
    expect(pages.map(({ messages, more }) => [messages.map(({ id }) => id), more])).toEqual([
      [[7, 8, 9, 10], true],
      [[29, 30], false],
    ])
    expect(ann.listener.of('error')).toMatchObject([{ code: 'NOT_IN_ROOM' }])
  })

  test('who comes back sees what was missed, from memory or from the disk, each message once', () => {
    const { world, answerAll } = slowDisk()
    const [ann, bob] = [world.come('ann'), world.come('bob')]
    answerAll()
    const count = 2 * chatLimits.recentCount + 10
    for (let n = 1; n <= count; n++) ann.ask({ type: 'say', text: `${n}` })
    answerAll()
    bob.vanish()
    for (const seen of [count - 5, 3]) {
      const again = world.come('bob', { resume: { lobby: seen } })
      answerAll()
      expect(again.listener.said()).toEqual(Array.from({ length: count - seen }, (_, n) => `${seen + n + 1}`))
    }
  })
})

test('bug: what was said while somebody still read what was missed made a gap, for whoever remembers the last id', () => {
  const count = 2 * chatLimits.pageCount + 50
  const { history, world, answerAll } = slowDisk(Array.from({ length: count }, (_, index) => said(index + 1)))
  const ann = world.come('ann')
  answerAll()
  const bob = world.come('bob', { resume: { lobby: 10 } })
  answerAll()
  const last = (): number => bob.listener.messages().at(-1)?.id ?? 0
  expect(bob.listener.of('history')).toMatchObject([{ more: true }])
  for (const text of ['live', 'and more']) {
    ann.send({ type: 'say', text })
    answerAll()
  }
  expect([last(), bob.listener.of('message')]).toEqual([10 + chatLimits.pageCount, []])
  // A page that leaves a gap, and one of before, change nothing.
  for (const range of [{ after: count }, { before: 9 }, { last: 1 }]) bob.send({ type: 'history', range })
  answerAll()
  ann.send({ type: 'say', text: 'still held' })
  answerAll()
  expect(bob.listener.of('message')).toEqual([])
  bob.send({ type: 'history', range: { after: 10 + chatLimits.pageCount }, ref: 'next' })
  answerAll()
  bob.send({ type: 'history', range: { after: 10 + 2 * chatLimits.pageCount } })
  ann.ask({ type: 'say', text: 'meanwhile' })
  answerAll()
  ann.send({ type: 'say', text: 'at last' })
  answerAll()
  const ids = [...new Set(bob.listener.messages().map(({ id }) => id))].filter((id) => id > 10).sort((a, b) => a - b)
  expect(ids).toEqual(history.stored.map(({ id }) => id).filter((id) => id > 10))
  expect(bob.listener.of('message').at(-1)?.text).toBe('at last')
  expect(bob.listener.of('history').find(({ ref }) => ref === 'next')?.more).toBe(true)
})

test('who quits while there is more to read is said goodbye to all the same', () => {
  const { world, answerAll } = slowDisk(Array.from({ length: 2 * chatLimits.pageCount }, (_, index) => said(index + 1)))
  const bob = world.come('bob', { resume: { lobby: 1 } })
  answerAll()
  bob.send({ type: 'quit', ref: 3 })
  answerAll()
  expect(bob.listener.received.at(-1)).toEqual({ type: 'bye', reason: 'exit', message: 'goodbye', ref: 3 })
  expect(bob.listener.ended).toBe('exit')
})

interface Step {
  readonly who: number
  readonly what: 'say' | 'leave' | 'resume' | 'turn' | 'answer' | 'tick'
}

describe('a simulation of members who talk, drop and come back while the disk answers when it likes', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom('say', 'say', 'say', 'leave', 'resume', 'turn', 'turn', 'answer', 'answer', 'tick'),
  })

  test('everybody gets every message once, in the one order, without a gap', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const history = new MemoryHistory()
        const world = new ChatWorld({ history, gateways: 2 })
        const seen: number[][] = [[], [], [], []]
        const last = (who: number): number => seen[who]?.at(-1) ?? 0
        const people: (Person | undefined)[] = []
        const collect = (who: number): void => {
          const person = people[who]
          for (const { id } of person?.listener.messages() ?? []) seen[who]?.push(id)
          person?.listener.received.splice(0)
        }
        const drop = (who: number): void => {
          collect(who)
          people[who]?.vanish()
          people[who] = undefined
        }
        const resume = (who: number): void => {
          people[who] = world.come(`p${who}`, { settle: false, resume: { lobby: last(who) } })
        }
        for (let who = 0; who < 4; who++) resume(who)
        for (const { who, what } of steps) {
          if (what === 'say') people[who]?.ask({ type: 'say', text: 'x' })
          else if (what === 'leave') drop(who)
          else if (what === 'resume' && people[who] === undefined) resume(who)
          else if (what === 'turn') world.turn()
          else if (what === 'answer') history.answer()
          else if (what === 'tick') world.clock.advance(chatLimits.presenceMs)
        }
        for (let who = 0; who < 4; who++) if (people[who] === undefined) resume(who)
        whileTrue(() => {
          world.settle()
          return history.answer()
        })
        for (let who = 0; who < 4; who++) collect(who)
        const stored = history.stored.map(({ id }) => id)
        for (const ids of seen) expect(ids).toEqual(stored)
      }),
      { numRuns: 300 },
    )
  })
})

/** A database: what is in it when a server is killed, or a copy is made of it. */
interface Database {
  readonly messages: readonly ChatMessage[]
  readonly reserved: number
  readonly epochs: readonly Epoch[]
}

describe('a history in whose place an older one is put, or none, under connected clients', () => {
  const deleted: Database = { messages: [], reserved: 1, epochs: [] }
  /** Fewer than people say in a run, so that ids are handed out twice. */
  const idBlock = 4
  let runs = 0

  /** A server over a database, with somebody who talks, and `chat`, who comes back by what it remembers. */
  function run({ messages, reserved, epochs }: Database, chat: ClientView, seen: string[]) {
    const history = new MemoryHistory()
    history.stored.push(...messages)
    const began = [...epochs, { name: `run ${++runs}`, start: reserved }]
    const world = new ChatWorld({ history, remembered: { ...nothingRemembered(reserved), epochs: began } })
    let heard: Person | undefined
    const settle = (): void => {
      whileTrue(() => {
        world.settle()
        const received = heard?.listener.received.splice(0) ?? []
        for (const message of received) {
          const { lines, send } = chat.take(message as ChatServerMessage)
          seen.push(...lines.flatMap(({ text }) => /: (said \d+)$/.exec(text)?.[1] ?? []))
          for (const request of send) heard?.ask(request)
        }
        return received.length > 0 || history.answer()
      })
    }
    const bob = world.come('bob', { settle: false })
    settle()
    return {
      come() {
        const { resume, epoch } = parseEnter(chat.welcome('ann').send[0]) ?? { resume: {} }
        heard ??= world.come('ann', { settle: false, resume, ...(epoch !== undefined && { epoch }) })
        settle()
      },
      leave() {
        heard?.vanish()
        heard = undefined
      },
      say(text: string) {
        bob.ask({ type: 'say', text })
        settle()
      },
      copy(): Database {
        const last = history.stored.at(-1)?.id ?? 0
        return { messages: [...history.stored], reserved: last < reserved ? reserved : last + idBlock, epochs: began }
      },
    }
  }

  test('whatever is said is shown once', () => {
    const step = fc.constantFrom('say', 'say', 'say', 'leave', 'come', 'restart', 'copy', 'restore', 'delete')
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const chat = new ClientView({ style: clientStyle(false, ownClock), newId: () => '', now: 1 })
        const seen: string[] = []
        let copy = deleted
        let server = run(deleted, chat, seen)
        server.come()
        let count = 0
        for (const what of steps) {
          if (what === 'say') server.say(`said ${++count}`)
          else if (what === 'leave') server.leave()
          else if (what === 'come') server.come()
          else if (what === 'copy') copy = server.copy()
          else {
            // Who is away then sees what was said meanwhile only if it is still there.
            server.come()
            server = run(what === 'restart' ? server.copy() : what === 'restore' ? copy : deleted, chat, seen)
            server.come()
          }
        }
        server.come()
        expect(seen).toEqual(Array.from({ length: count }, (_, n) => `said ${n + 1}`))
      }),
      { numRuns: 300 },
    )
  })

  test('a client that knows of no epoch is told, too, while its ids are of none that were handed out', () => {
    const world = new ChatWorld({ remembered: { ...nothingRemembered(50), epochs: [{ name: 'now', start: 50 }] } })
    const known = (resume: Record<string, number>, epoch?: string) => {
      const { listener } = world.come('ann', { resume, ...(epoch !== undefined && { epoch }) })
      return listener.of('joined').map((joined) => joined.known)
    }
    expect(known({ lobby: 49, dev: 3 })).toEqual([undefined, undefined])
    expect(known({ lobby: 50, dev: 3 })).toEqual([49, 3])
    expect(known({ lobby: 49, dev: 3 }, 'now')).toEqual([undefined, undefined])
    expect(known({ lobby: 49, dev: 3 }, 'unknown')).toEqual([49, 49])
    expect(world.come('bob').listener.of('joined')).toMatchObject([{ epoch: 'now' }])
  })
})
