import { describe, expect, test } from '@jest/globals'
import { Random } from '../../src/base/random.ts'
import { keyScheduleFrom } from '../../src/datagram-chat/aead.ts'
import { Simulation } from './simulation.ts'

const roomKey = Buffer.alloc(32, 7)

interface Chatter {
  readonly seed: number
  readonly keyed: boolean
  readonly memberCount: number
  readonly messageCount: number
}

/** Members say things over a network with 30 % loss, 10 % duplicates and reordering. */
function chatter({ seed, keyed, memberCount, messageCount }: Chatter) {
  const keySchedule = keyed ? keyScheduleFrom(roomKey) : undefined
  const network = { drop: 0.3, duplicate: 0.1, reorder: 0.2, delayMs: 25, seed }
  const simulation = new Simulation({ network, relay: { keySchedule } })
  const members = Array.from({ length: memberCount }, (_, index) => simulation.join(`member${index}`, keySchedule))
  simulation.runUntil(() => simulation.relay.memberCount === memberCount, 60_000)
  simulation.runUntil(() => members.every(({ events }) => events.some(({ type }) => type === 'entered')), 60_000)
  const random = new Random(seed)
  const said: string[] = []
  for (let number = 0; number < messageCount; number += 1) {
    const author = members[random.below(memberCount)]
    const text = number % 50 === 0 ? `${number} ${'long '.repeat(700)}` : `${number}`
    said.push(text)
    author?.member.say(text)
    simulation.clock.advance(random.next() * 80)
  }
  simulation.runUntil(() => members.every(({ texts }) => texts().length >= messageCount), 300_000)
  return { members, said }
}

describe('a bad network', () => {
  test.each([
    { seed: 1, keyed: false, memberCount: 20, messageCount: 1000 },
    { seed: 3, keyed: true, memberCount: 8, messageCount: 200 },
  ])('everybody shows every message once and in the same order (seed $seed, keyed $keyed)', (how) => {
    const { seed } = how
    const { members, said } = chatter(how)
    const first = members[0]?.texts() ?? []
    expect({ seed, shown: [...first].sort() }).toEqual({ seed, shown: [...said].sort() })
    for (const { texts, events } of members) {
      expect({ seed, shown: texts() }).toEqual({ seed, shown: first })
      expect(events.filter(({ type }) => ['unconfirmed', 'missed', 'lost', 'ended'].includes(type))).toEqual([])
      const orders = events.flatMap((event) => ('sequence' in event ? [event.sequence] : []))
      expect(orders).toEqual([...orders].sort((a, b) => a - b))
    }
  })
})
