import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { Peer } from '../../src/base/events.ts'
import { keyScheduleFrom } from '../../src/datagram-chat/aead.ts'
import {
  decodeChallenge,
  encodeJoinRequest,
  encodeRequest,
  joinPrefix,
  requestBytes,
} from '../../src/datagram-chat/handshake-messages.ts'
import { datagramLimits } from '../../src/datagram-chat/limits.ts'
import { DatagramType, header } from '../../src/datagram-chat/packet.ts'
import { RelayRoom } from '../../src/datagram-chat/relay-room.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { Simulation } from './simulation.ts'

const victim: Peer = { address: '198.51.100.7', port: 7 }
const nonce = Buffer.alloc(8, 1)

/** Lets somebody who is no member send, and returns what the relay sends because of it. */
function answersTo(simulation: Simulation, datagram: Buffer, peer: Peer = victim): Buffer[] {
  simulation.recordTraffic = true
  const before = simulation.traffic.length
  simulation.relay.receive(Buffer.from(datagram), peer)
  return simulation.traffic.slice(before).map(({ bytes }) => bytes)
}

describe('who has not proven its address', () => {
  const questions = { hello: DatagramType.hello, find: DatagramType.discover } as const

  test.each(Object.entries(questions))('%s is answered by at most as many bytes', (_name, type) => {
    const simulation = new Simulation({ relay: { room: '字'.repeat(32) } })
    const question = encodeRequest(type, nonce)
    const [answer, ...more] = answersTo(simulation, question)
    expect(answer?.length).toBeLessThanOrEqual(question.length)
    expect(more).toEqual([])
    expect(answersTo(simulation, question.subarray(0, requestBytes - 1))).toEqual([])
    simulation.clock.advance(1000)
    // Neither a member nor anything that waits for one.
    expect([simulation.relay.memberCount, simulation.clock.pending]).toEqual([0, 0])
  })

  test('a forged source address gets nobody in, whatever cookie is guessed or taken from elsewhere', () => {
    const simulation = new Simulation()
    simulation.recordTraffic = true
    simulation.join('ada')
    simulation.clock.advance(1000)
    const join = simulation.traffic.find(({ bytes }) => bytes[3] === DatagramType.join)?.bytes ?? Buffer.alloc(0)
    const answers = answersTo(simulation, join)
    expect(answers.map((bytes) => bytes[3])).toEqual([DatagramType.challenge])
    expect(answers[0]?.length).toBeLessThanOrEqual(3 * join.length)
    expect(simulation.relay.memberCount).toBe(1)
  })

  test('a cookie is good in its time slot and the next, and then replaced by a fresh one', () => {
    const simulation = new Simulation({ network: { delayMs: datagramLimits.cookieMs } })
    const { events } = simulation.join('slow')
    simulation.clock.advance(1)
    simulation.runUntil(() => simulation.events.length > 0, 10 * datagramLimits.cookieMs)
    // The question is given up long before; but what arrived late was judged by its cookie.
    expect(events.map(({ type }) => type)).toEqual(['ended'])
    expect(simulation.relay.memberCount).toBe(0)
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['three bytes', Buffer.from('NU\x01')],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'.padEnd(100))],
    ['an unknown type', Buffer.from([0x4e, 0x55, 1, 99, ...Buffer.alloc(60)])],
    ['a hello cut short', encodeRequest(DatagramType.hello, nonce).subarray(0, 10)],
    ['a join cut short', Buffer.concat([header(DatagramType.join), Buffer.alloc(10)])],
    ['a say without a session', Buffer.concat([header(DatagramType.data), Buffer.alloc(3)])],
    ['more than a datagram of ours', Buffer.concat([encodeRequest(DatagramType.hello, nonce), Buffer.alloc(1200)])],
    ['an answer of the relay', header(DatagramType.version)],
  ])('%s is not answered', (_name, datagram) => {
    expect(answersTo(new Simulation(), datagram)).toEqual([])
  })

  test('an unknown version is told which one is spoken here, in no more bytes, and never in a circle', () => {
    const simulation = new Simulation()
    const [answer, ...more] = answersTo(simulation, Buffer.from([0x4e, 0x55, 2, DatagramType.hello, 1, 2, 3]))
    expect([...(answer ?? [])]).toEqual([0x4e, 0x55, 1, DatagramType.version])
    expect(more).toEqual([])
    expect(answersTo(simulation, Buffer.from([0x4e, 0x55, 2, DatagramType.version]))).toEqual([])
  })

  test('a session that nobody has is answered by a reset that is shorter than what came', () => {
    const stray = Buffer.concat([header(DatagramType.recordAck), Buffer.alloc(8, 9), Buffer.alloc(6), Buffer.alloc(14)])
    expect(answersTo(new Simulation(), stray).map((bytes) => [...bytes])).toEqual([
      [...header(DatagramType.reset), ...Buffer.alloc(8, 9)],
    ])
  })
})

describe('sessions', () => {
  test('a datagram of a member from another address is not taken, and the member stays', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    simulation.recordTraffic = true
    ada.member.say('mine')
    const say = simulation.traffic.find(({ bytes }) => bytes[3] === DatagramType.data)?.bytes ?? Buffer.alloc(0)
    expect(answersTo(simulation, say).map((bytes) => bytes[3])).toEqual([DatagramType.reset])
    simulation.clock.advance(1000)
    expect(ada.texts()).toEqual(['mine'])
    expect(simulation.relay.memberCount).toBe(1)
  })

  test.each([{ keyed: false }, { keyed: true }])('replayed datagrams change nothing (keyed $keyed)', ({ keyed }) => {
    const keySchedule = keyed ? keyScheduleFrom(Buffer.alloc(32, 5)) : undefined
    const simulation = new Simulation({ relay: { keySchedule } })
    const ada = simulation.join('ada', keySchedule)
    const bob = simulation.join('bob', keySchedule)
    simulation.clock.advance(1000)
    simulation.recordTraffic = true
    ada.member.say('once')
    simulation.clock.advance(1000)
    for (const { from, peer, bytes } of [...simulation.traffic]) {
      if (from === 'member') simulation.relay.receive(Buffer.from(bytes), peer)
      else if (peer.port === bob.peer.port) bob.member.receive(Buffer.from(bytes))
    }
    simulation.clock.advance(1000)
    expect([ada.texts(), bob.texts()]).toEqual([['once'], ['once']])
    expect(bob.member.stats.duplicates).toBeGreaterThan(0)
  })

  test('a replayed join brings nobody back after a goodbye', () => {
    const simulation = new Simulation()
    simulation.recordTraffic = true
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    ada.member.leave()
    simulation.clock.advance(1000)
    expect(simulation.relay.memberCount).toBe(0)
    const join = simulation.traffic.find(({ bytes }) => bytes[3] === DatagramType.join)?.bytes ?? Buffer.alloc(0)
    expect(answersTo(simulation, join, ada.peer)).toEqual([])
    expect(simulation.relay.memberCount).toBe(0)
  })

  test('a datagram that was changed on the way is not taken when the room has a key', () => {
    const keySchedule = keyScheduleFrom(Buffer.alloc(32, 5))
    const simulation = new Simulation({ relay: { keySchedule } })
    const ada = simulation.join('ada', keySchedule)
    simulation.clock.advance(1000)
    simulation.recordTraffic = true
    ada.member.leave()
    const [leave] = simulation.traffic.splice(0)
    simulation.move(ada)
    for (let at = 0; at < (leave?.bytes.length ?? 0); at += 1) {
      const changed = Buffer.from(leave?.bytes ?? [])
      changed[at] = (changed[at] ?? 0) ^ 1
      simulation.relay.receive(changed, leave?.peer ?? victim)
    }
    expect(simulation.relay.memberCount).toBe(1)
  })

  test('nothing of what is said or of a name can be read on the way when the room has a key', () => {
    const keySchedule = keyScheduleFrom(Buffer.alloc(32, 5))
    const simulation = new Simulation({ relay: { keySchedule } })
    simulation.recordTraffic = true
    const ada = simulation.join('ada-lovelace', keySchedule)
    simulation.clock.advance(1000)
    ada.member.say('an open secret')
    ada.member.who()
    simulation.clock.advance(1000)
    expect(ada.texts()).toEqual(['an open secret'])
    const wire = Buffer.concat(simulation.traffic.map(({ bytes }) => bytes)).toString('latin1')
    expect(wire).not.toMatch(/secret|lovelace/)
    const closed = simulation.traffic.filter(({ bytes }) => (bytes[3] ?? 0) >= DatagramType.data)
    const nonces = closed.map(
      ({ from, bytes }) => `${from} ${bytes[3] === DatagramType.broadcast} ${bytes.toString('hex', 12, 18)}`,
    )
    expect(new Set(nonces).size).toBe(nonces.length)
  })
})

describe('limits', () => {
  test('no datagram is longer than 1,200 bytes, and no member gets a longer text than 4 KiB through', () => {
    const simulation = new Simulation({ relay: { keySchedule: keyScheduleFrom(Buffer.alloc(32, 5)) } })
    simulation.recordTraffic = true
    const ada = simulation.join('𠀀'.repeat(32), keyScheduleFrom(Buffer.alloc(32, 5)))
    simulation.clock.advance(1000)
    for (let line = 0; line < 4; line += 1) expect(ada.member.say('ü'.repeat(2048))).toBe('queued')
    expect(ada.member.say(`${'ü'.repeat(2048)}!`)).toBe('too-long')
    expect(ada.member.say('x'.repeat(1_000_000))).toBe('too-long')
    expect([ada.member.say(''), ada.member.say(' \t')]).toEqual(['empty', 'empty'])
    simulation.clock.advance(5000)
    expect(ada.texts()).toEqual(Array(4).fill('ü'.repeat(2048)))
    expect(Math.max(...simulation.traffic.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(1200)
  })

  test('a thousand join at once, and one more is told that the room is full', () => {
    const simulation = new Simulation({ network: { delayMs: 0 } })
    const strangers = Array.from({ length: 1001 }, (_, index) => ({ address: '192.0.2.9', port: 1000 + index }))
    const answers = strangers.map((peer) => {
      const [challenge = Buffer.alloc(0)] = answersTo(simulation, encodeRequest(DatagramType.hello, nonce), peer)
      const body = encodeJoinRequest({ previous: Buffer.alloc(8), name: `m${peer.port}`, room: '' })
      return answersTo(simulation, Buffer.concat([joinPrefix(decodeChallenge(challenge)), body]), peer)
    })
    const types = answers.map(([answer]) => answer?.[3])
    expect(types).toEqual([...Array(1000).fill(DatagramType.welcome), DatagramType.refused])
    // Nobody is told of each join on its own: they travel together with the next tick.
    expect(answers.every(({ length }) => length === 1)).toBe(true)
    simulation.traffic.splice(0)
    simulation.clock.advance(5)
    const perMember = simulation.traffic.length / 1000
    expect(perMember).toBeLessThanOrEqual(Math.ceil((1000 * 24) / 1100))
  })

  test('one address fills its share of the room and no more; this machine itself may fill all of it', () => {
    const admitted = (address: string): number => {
      const room = new RelayRoom(
        {
          ...{ room: 'lobby', maxMembers: 10, maxMembersPerAddress: 3, fragmentsPerSecond: 1, datagramsPerSecond: 1 },
          ...{ salt: Buffer.alloc(16), keySchedule: undefined, port: () => 1 },
        },
        { clock: new VirtualClock(), random: randomBytes, send: () => {}, emit: () => {} },
      )
      const join = (n: number, from: string) =>
        room.admit({ name: `m${n}`, room: '', previous: Buffer.alloc(8) }, { address: from, port: 1_000 + n })
      const answers = Array.from({ length: 5 }, (_, n) => join(n, address))
      expect(answers.filter((answer) => typeof answer === 'string' && answer !== 'address-full')).toEqual([])
      // Somebody else has a place; and so has the address when one of its members has left.
      expect(join(8, '203.0.113.1')).toMatchObject({ name: 'm8' })
      const first = room.members.named('m0')
      if (first !== undefined) room.remove(first, 'left')
      expect(join(9, address)).toMatchObject({ name: 'm9' })
      room.close()
      return answers.filter((answer) => typeof answer !== 'string').length
    }
    expect([admitted('198.51.100.7'), admitted('127.0.0.1')]).toEqual([3, 5])
  })

  test('whoever keeps trying to join does not fill the log', () => {
    const simulation = new Simulation({ relay: { maxMembers: 1 } })
    simulation.join('ada')
    simulation.clock.advance(1000)
    for (let start = 0; start < 100; start += 1) simulation.join(`guest${start}`)
    simulation.clock.advance(100)
    const refused = simulation.events.filter(({ type }) => type === 'member-refused')
    expect([refused.length, simulation.relay.memberCount]).toEqual([2 * datagramLimits.refusalsPerSecond, 1])
  })

  test('a flood waits its turn: all of it arrives, in order, at the rate', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    const flood = Array.from({ length: 100 }, (_, index) => `line ${index}`)
    for (const line of flood) ada.member.say(line)
    simulation.clock.advance(2000)
    expect(ada.texts().length).toBeLessThan(60)
    simulation.clock.advance(10_000)
    expect(ada.texts()).toEqual(flood)
    expect(ada.member.unsettled).toBe(0)
  })
})
