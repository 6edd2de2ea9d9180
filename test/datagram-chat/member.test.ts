import { describe, expect, test } from '@jest/globals'
import { keyScheduleFrom, nullKeySchedule } from '../../src/datagram-chat/aead.ts'
import { datagramLimits } from '../../src/datagram-chat/limits.ts'
import type { MemberEvent } from '../../src/datagram-chat/member-interface.ts'
import { DatagramType, header } from '../../src/datagram-chat/packet.ts'
import { type SimulatedMember, Simulation } from './simulation.ts'

function types({ events }: SimulatedMember): MemberEvent['type'][] {
  return events.map(({ type }) => type)
}

function last({ events }: SimulatedMember): MemberEvent | undefined {
  return events.at(-1)
}

/** Runs until the member was shown an event of this type. */
function until(simulation: Simulation, member: SimulatedMember, type: MemberEvent['type'], maxMs = 300_000): void {
  expect(simulation.runUntil(() => types(member).includes(type), maxMs)).toBe(true)
}

describe('coming in', () => {
  const key = keyScheduleFrom(Buffer.alloc(32, 1))
  const other = keyScheduleFrom(Buffer.alloc(32, 2))

  test.each([
    ['a name that somebody has, in other letters', 'ADA', undefined, undefined, '', 'name-taken'],
    ['a name that is none', 'a  b', undefined, undefined, '', 'name-invalid'],
    ['a name that rearranges the line', 'x\u202ey', undefined, undefined, '', 'name-invalid'],
    ['another room', 'bob', undefined, undefined, 'den', 'wrong-room'],
    ['a room that cannot be', 'bob', undefined, undefined, 'a/b C', 'wrong-room'],
    ['no key where one is needed', 'bob', key, undefined, '', 'key-needed'],
    ['another key', 'bob', key, other, '', 'wrong-key'],
    ['a key where none is', 'bob', undefined, key, '', 'no-key-here'],
  ])('with %s: refused', (_what, name, relayKey, memberKey, room, reason) => {
    const simulation = new Simulation({ relay: { keySchedule: relayKey } })
    simulation.join('ada', relayKey)
    simulation.clock.advance(1000)
    const member = simulation.join(name, memberKey, room)
    simulation.clock.advance(1000)
    expect(last(member)).toMatchObject({ type: 'ended', end: { type: 'refused', reason } })
    expect(simulation.relay.memberCount).toBe(1)
  })

  test('two spellings that are one name in the accounts and the chat are one here too (they were two people)', () => {
    const simulation = new Simulation()
    const [first, second] = ['straße', 'STRASSE'].map((name) => simulation.join(name))
    simulation.clock.advance(1000)
    expect([first?.events[0]?.type, second?.events[0]]).toMatchObject(['entered', { end: { reason: 'name-taken' } }])
  })

  test('a name may have several words and any script, as in the accounts', () => {
    const simulation = new Simulation()
    const names = ['Ada Lovelace', '李雷', 'o’brien']
    const members = names.map((name) => simulation.join(name))
    simulation.clock.advance(1000)
    expect(members.map(({ events }) => events[0])).toMatchObject(names.map((name) => ({ type: 'entered', name })))
  })

  test('nobody there: asked five times by RFC 6298, then told', () => {
    const simulation = new Simulation({ network: { drop: 1 } })
    const member = simulation.join('ada')
    simulation.clock.advance(30_999)
    expect(types(member)).toEqual([])
    simulation.clock.advance(1)
    expect(member.events).toEqual([{ type: 'ended', end: { type: 'no-answer' } }])
  })

  test('a relay of another version: told which', () => {
    const simulation = new Simulation({ network: { drop: 1 } })
    const member = simulation.join('ada')
    member.member.receive(Buffer.from([0x4e, 0x55, 3, DatagramType.version]))
    expect(member.events).toEqual([{ type: 'ended', end: { type: 'version', version: 3 } }])
  })

  test('a newcomer is shown the last 20 messages, however many came and went since', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(500)
    const said = Array.from({ length: 30 }, (_, index) => `line ${index}${'.'.repeat(index * 50)}`)
    for (const line of said) ada.member.say(line)
    simulation.clock.advance(10_000)
    for (let guest = 0; guest < 50; guest += 1) {
      const { member } = simulation.join(`guest${guest}`)
      simulation.clock.advance(200)
      member.leave()
      simulation.clock.advance(300)
    }
    const bob = simulation.join('bob')
    simulation.clock.advance(1000)
    expect(bob.texts()).toEqual(said.slice(-20))
    expect(bob.events.filter((event) => event.type === 'said' && !event.past)).toEqual([])
    expect(types(bob).filter((type) => type !== 'said')).toEqual(['entered', 'joined'])
  })
})

describe('being there', () => {
  test('texts of any kind arrive as they were typed', () => {
    const simulation = new Simulation()
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(500)
    const texts = [
      'a\u0301\u0302\u0303\u0304'.repeat(200),
      '\x1b[2Jwiped',
      'user\u202etxt.exe',
      '👩‍👩‍👧'.repeat(150),
      '/quit',
    ]
    for (const text of texts) ada.member.say(text)
    bob.member.say('waves', true)
    simulation.clock.advance(5000)
    expect(bob.texts().sort()).toEqual([...texts, 'waves'].sort())
    expect(ada.events).toContainEqual(expect.objectContaining({ text: 'waves', action: true, name: 'bob', own: false }))
    expect(types(ada)).toContain('settled')
  })

  test('who is there, on several pages', () => {
    const simulation = new Simulation()
    const names = Array.from({ length: 60 }, (_, index) => `${'n'.repeat(25)}${index}`)
    const members = names.map((name) => simulation.join(name))
    simulation.clock.advance(2000)
    members[0]?.member.who()
    simulation.clock.advance(1000)
    expect(members[0] && last(members[0])).toEqual({ type: 'names', names })
  })

  test('says so when the relay does not tell who is there', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(500)
    ada.connected = false
    ada.member.who()
    until(simulation, ada, 'names-unknown')
  })

  test('a message is sent five times to a relay that is there, and then its author is told', () => {
    const simulation = new Simulation()
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(5000)
    // The path takes nothing long, and is there otherwise.
    let says = 0
    ada.loses = (datagram) => {
      const isLost = datagram[3] === DatagramType.data
      if (isLost) says += 1
      return isLost
    }
    ada.member.say('lost '.repeat(300))
    simulation.clock.advance(1000)
    bob.member.say('are you there')
    until(simulation, ada, 'unconfirmed')
    expect(ada.events.slice(-2)).toEqual([{ type: 'unconfirmed', text: 'lost '.repeat(300) }, { type: 'settled' }])
    // Two parts, five tries, of which the later ones go out in up to three copies.
    expect(says).toBeLessThanOrEqual(2 * (1 + 2 + 3 + 3 + 3))
    ada.loses = () => false
    ada.member.say('found')
    simulation.clock.advance(5000)
    expect(ada.texts()).toEqual(['are you there', 'found'])
  })

  test('bug: who said something on a path that takes nothing long, in a room where nothing else happens, never heard of it', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(5000)
    ada.loses = (datagram) => datagram[3] === DatagramType.data
    ada.member.say('lost')
    until(simulation, ada, 'unconfirmed', datagramLimits.heartbeatMs * (datagramLimits.attemptSeries + 1))
  })

  test('the line is counted: loss, duplicates, reordering, round trip', () => {
    const network = { drop: 0.2, duplicate: 0.1, reorder: 0.1, delayMs: 40, seed: 5 }
    const simulation = new Simulation({ network })
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(20_000)
    for (let line = 0; line < 200; line += 1) {
      bob.member.say(`${line}`)
      simulation.clock.advance(200)
    }
    const stats = ada.member.stats
    const lostShare = stats.lost / (stats.received + stats.lost)
    expect(lostShare).toBeGreaterThan(0.1)
    expect(lostShare).toBeLessThan(0.3)
    expect(stats.duplicates).toBeGreaterThan(5)
    expect(stats.reordered).toBeGreaterThan(0)
    expect(bob.member.stats.retransmitted).toBeGreaterThan(20)
    expect(stats.roundTripMs).toBeGreaterThan(80)
  })
})

describe('going', () => {
  test('a goodbye is told to the others, even when its answer is lost', () => {
    const simulation = new Simulation({ network: { drop: 0.3, seed: 4 } })
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(20_000)
    ada.member.leave()
    simulation.clock.advance(10_000)
    expect(last(ada)).toEqual({ type: 'ended', end: { type: 'bye', reason: 'left' } })
    expect(last(bob)).toMatchObject({ type: 'left', name: 'ada', reason: 'left' })
  })

  test('who vanishes without a word is gone after 40 s of silence; who only says nothing stays', () => {
    const simulation = new Simulation()
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(10_000)
    ada.connected = false
    simulation.clock.advance(datagramLimits.silenceMs - 15_000)
    expect(simulation.relay.memberCount).toBe(2)
    simulation.clock.advance(17_000)
    expect(last(bob)).toMatchObject({ type: 'left', name: 'ada', reason: 'silent' })
    simulation.clock.advance(600_000)
    expect(simulation.relay.members.map(({ name }) => name)).toEqual(['bob'])
    expect(simulation.events).toContainEqual(expect.objectContaining({ type: 'member-left', reason: 'silent' }))
  })

  test('silence is noticed at both ends within 45 s, whenever it begins, idle or with something under way', () => {
    for (let start = 0; start < 20; start += 1) {
      const simulation = new Simulation()
      const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
      simulation.clock.advance(10_000 + start * 1_700)
      ada.connected = false
      if (start % 2 === 1) for (const member of [ada, bob]) member.member.say('can you hear me')
      simulation.clock.advance(45_000)
      expect({ start, last: ada.events.find(({ type }) => type === 'lost') }).toEqual({ start, last: { type: 'lost' } })
      expect({ start, last: last(bob) }).toMatchObject({ start, last: { type: 'left', name: 'ada', reason: 'silent' } })
    }
  })

  test('kicked, and the relay stopping: told which', () => {
    const simulation = new Simulation()
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(1000)
    expect([simulation.relay.kick('Ada'), simulation.relay.kick('nobody')]).toEqual([true, false])
    simulation.clock.advance(1000)
    simulation.relay.close()
    simulation.clock.advance(1000)
    expect(last(ada)).toEqual({ type: 'ended', end: { type: 'bye', reason: 'kicked' } })
    expect(last(bob)).toEqual({ type: 'ended', end: { type: 'bye', reason: 'stopping' } })
  })
})

describe('coming back', () => {
  test('from another port: goes on in the same session, nothing lost, nothing twice, nobody told', () => {
    const simulation = new Simulation()
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(1000)
    simulation.move(ada)
    ada.member.say('from elsewhere')
    bob.member.say('to you')
    simulation.clock.advance(20_000)
    expect(ada.texts()).toEqual(bob.texts())
    expect([...ada.texts()].sort()).toEqual(['from elsewhere', 'to you'])
    expect(types(bob)).not.toContain('left')
    expect(simulation.events).toContainEqual(expect.objectContaining({ type: 'member-moved', name: 'ada' }))
  })

  test('after the line was down for a while: what was missed is there', () => {
    const simulation = new Simulation()
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(1000)
    ada.connected = false
    const said = Array.from({ length: 40 }, (_, index) => `${index}`)
    for (const line of said) bob.member.say(line)
    simulation.clock.advance(30_000)
    ada.connected = true
    simulation.clock.advance(30_000)
    expect(ada.texts()).toEqual(said)
  })

  /** Ada is away for so long, and meanwhile both say something. */
  function whileAway(awayMs: number, count: number, relay: 'goes on' | 'is started anew' = 'goes on') {
    const simulation = new Simulation({ relay: { fragmentsPerSecond: 100 } })
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(1000)
    bob.member.say('before')
    bob.member.say('x'.repeat(3000))
    simulation.clock.advance(1000)
    ada.connected = false
    ada.member.say('can you hear me')
    simulation.clock.advance(awayMs / 2)
    ada.member.say('no')
    const said = Array.from({ length: count }, (_, index) => `${index}`)
    for (const line of said) {
      bob.member.say(line)
      simulation.clock.advance(20)
    }
    simulation.clock.advance(awayMs / 2)
    if (relay === 'is started anew') simulation.restartRelay()
    ada.connected = true
    const heard = ada.events.length
    simulation.clock.advance(10_000)
    return { ada, bob, said, since: ada.events.slice(heard) }
  }

  test.each([30_000, 60_000, 90_000, 600_000, 36_000_000])(
    'bug: who was away for %d ms was lost for good: within 10 s it is back, and nothing is lost or there twice',
    (awayMs) => {
      const { ada, bob, said, since } = whileAway(awayMs, 200)
      const own = ['can you hear me', 'no']
      const others = ['before', 'x'.repeat(3000), ...said]
      expect(ada.texts().filter((text) => !own.includes(text))).toEqual(others)
      expect(ada.texts().filter((text) => own.includes(text))).toEqual(own)
      expect(bob.texts()).toEqual(ada.texts())
      const faults = since.filter(({ type }) => ['missed', 'unconfirmed', 'ended', 'left'].includes(type))
      expect(faults).toEqual([])
      if (awayMs > datagramLimits.silenceMs) {
        const comings = bob.events.filter((event) => 'name' in event && event.name === 'ada' && event.type !== 'said')
        expect(comings.slice(-2)).toMatchObject([{ type: 'left', reason: 'silent' }, { type: 'joined' }])
      }
    },
  )

  test.each([
    [1_500, 300],
    [7_000, 200],
  ])(
    'bug: on a line that was away for %d ms and there for %d ms in turn, what was said was given up',
    (awayMs, thereMs) => {
      const simulation = new Simulation()
      const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
      simulation.clock.advance(1000)
      const said = Array.from({ length: 12 }, (_, index) => `${index}`)
      for (const line of said) {
        ada.connected = false
        ada.member.say(line)
        simulation.clock.advance(awayMs)
        simulation.move(ada)
        ada.connected = true
        // It speaks, and hears that it has to join again.
        ada.member.pathChanged()
        simulation.clock.advance(thereMs)
      }
      simulation.clock.advance(10_000)
      expect([ada.texts(), bob.texts()]).toEqual([said, said])
      expect(types(ada)).not.toContain('unconfirmed')
    },
  )

  test('who was away for longer than the relay keeps it is told how much is missing, once', () => {
    const { ada, since } = whileAway(datagramLimits.awayMs + 120_000, 40)
    expect(ada.texts()).toEqual([
      'before',
      'x'.repeat(3000),
      ...Array.from({ length: 20 }, (_, index) => `${index + 20}`),
      'no',
    ])
    expect(since.filter(({ type }) => type === 'missed')).toEqual([{ type: 'missed', count: expect.any(Number) }])
  })

  test('to a relay that was started anew meanwhile: what may have been lost is told, the rest is said', () => {
    const { ada, since } = whileAway(90_000, 1, 'is started anew')
    expect(since.filter(({ type }) => type === 'unconfirmed')).toEqual([
      { type: 'unconfirmed', text: 'can you hear me' },
    ])
    expect(ada.texts().at(-1)).toBe('no')
  })

  test('somebody else took the name meanwhile: told, after a minute in which it may be an own session', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    ada.connected = false
    simulation.clock.advance(90_000)
    simulation.join('ada')
    simulation.clock.advance(1000)
    ada.connected = true
    until(simulation, ada, 'ended', datagramLimits.ghostMs + 10_000)
    expect(last(ada)).toEqual({ type: 'ended', end: { type: 'refused', reason: 'name-taken', room: 'lobby' } })
  })

  test('told to stop: stops trying, says what is not confirmed, and sends nothing more', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    ada.connected = false
    ada.member.say('anybody?')
    until(simulation, ada, 'lost')
    simulation.clock.advance(600_000)
    ada.member.giveUp()
    expect(ada.events.slice(-2)).toEqual([
      { type: 'unconfirmed', text: 'anybody?' },
      { type: 'ended', end: { type: 'no-answer' } },
    ])
    simulation.recordTraffic = true
    simulation.clock.advance(60_000)
    expect(simulation.traffic.filter(({ from }) => from === 'member')).toEqual([])
  })

  test('bug: what was said went on being sent to who had vanished, and filled the send buffer', () => {
    const simulation = new Simulation({ relay: { fragmentsPerSecond: 100 } })
    const [ada, bob] = [simulation.join('ada'), simulation.join('bob')]
    simulation.clock.advance(1_000)
    ada.connected = false
    const texts: string[] = []
    const talk = (seconds: number) => {
      for (let line = 0; line < seconds * 10; line += 1) {
        texts.push(`line ${texts.length}`)
        bob.member.say(texts.at(-1) ?? '')
        simulation.clock.advance(100)
      }
    }
    talk(3)
    simulation.recordTraffic = true
    talk(20)
    const sent = simulation.traffic.filter(({ from, peer }) => from === 'relay' && peer.port === ada.peer.port)
    expect(sent.length).toBeLessThanOrEqual(10)
    ada.connected = true
    talk(1)
    expect(simulation.runUntil(() => ada.texts().length === texts.length, 10_000)).toBe(true)
    expect(ada.texts()).toEqual(texts)
  })

  test('to a relay that was started anew: enters again, and what may have been lost is told', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    simulation.restartRelay()
    ada.member.say('to whom?')
    simulation.clock.advance(5000)
    expect(types(ada)).toEqual(['entered', 'joined', 'lost', 'unconfirmed', 'settled', 'entered', 'joined'])
    ada.member.say('again')
    simulation.clock.advance(1000)
    expect(ada.texts()).toEqual(['again'])
  })

  test('a datagram that somebody else made up changes nothing', () => {
    const simulation = new Simulation()
    const ada = simulation.join('ada')
    simulation.clock.advance(1000)
    const before = ada.events.length
    for (const type of Object.values(DatagramType)) {
      ada.member.receive(Buffer.concat([header(type), Buffer.alloc(60, 3)]))
      ada.member.receive(header(type))
    }
    simulation.clock.advance(1000)
    expect(ada.events.length).toBe(before)
    expect(nullKeySchedule('join').open(header(DatagramType.join), 0, Buffer.from('x'))).toEqual(Buffer.from('x'))
  })
})
