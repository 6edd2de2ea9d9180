import { describe, expect, test } from '@jest/globals'
import type { Delivery } from '../../src/chat/backplane.ts'
import { FanOut } from '../../src/chat/thread-gateway.ts'
import { Listener } from '../support/chat-world.ts'
import { whileTrue } from '../support/event-loop.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const toRoom = (text: string): Delivery => ({ type: 'room', room: 'lobby', text: bytes(text) })
const enter = (connection: number): Delivery => ({ type: 'enter', connection, room: 'lobby', bytes: bytes('>') })

/** @param writeMs how long one write takes */
function fanOut(count: number, writeMs = 0) {
  const clock = new VirtualClock()
  const turns: (() => void)[] = []
  const fan = new FanOut({ clock, defer: (callback) => turns.push(callback), maxQueueBytes: 100 })
  const written: Uint8Array[] = []
  const listeners = Array.from({ length: count }, (_, id) => {
    const listener = new Listener('text')
    const write = listener.write.bind(listener)
    listener.write = (given) => {
      clock.advance(writeMs)
      written.push(given)
      return write(given)
    }
    fan.open(id, listener)
    return listener
  })
  const turn = (): boolean => {
    const due = turns.splice(0)
    for (const callback of due) callback()
    return due.length > 0
  }
  return { fan, clock, listeners, written, turn }
}

describe('fanning out', () => {
  test('batches of one turn are one write, the same bytes for all', () => {
    const { fan, listeners, written, turn } = fanOut(3)
    fan.deliver([0, 1, 2].map(enter))
    whileTrue(turn)
    written.length = 0
    fan.deliver([toRoom('a'), toRoom('b')])
    fan.deliver([toRoom('c')])
    whileTrue(turn)
    expect(listeners.map(({ text }) => text)).toEqual(['>abc', '>abc', '>abc'])
    expect(written).toHaveLength(3)
    expect(new Set(written).size).toBe(1)
  })

  test('who enters or leaves in between gets exactly its part', () => {
    const { fan, listeners, turn } = fanOut(3)
    fan.deliver([enter(0), toRoom('a'), enter(1), toRoom('b'), { type: 'leave', connection: 0, room: 'lobby' }])
    fan.deliver([toRoom('c'), enter(2), toRoom('d'), { type: 'one', connection: 2, bytes: bytes('!') }])
    whileTrue(turn)
    expect(listeners.map(({ text }) => text)).toEqual(['>ab', '>bcd', '>d!'])
  })

  test('a big room is written in slices of time, in order, and nobody is forgotten', () => {
    const { fan, listeners, clock, turn } = fanOut(5000, 0.05)
    fan.deliver(listeners.map((_, id) => enter(id)))
    let longest = 0
    let more = true
    for (let turns = 0; more; turns++) {
      if (turns % 7 === 0 && turns < 100) fan.deliver([toRoom(`${turns} `)])
      const start = clock.monotonic()
      more = turn()
      longest = Math.max(longest, clock.monotonic() - start)
    }
    expect(longest).toBeLessThan(10)
    expect(new Set(listeners.map(({ text }) => text)).size).toBe(1)
    expect(listeners[0]?.text).toMatch(/^>0 7 14 21 /)
  })

  test('a reader that is too far behind is cut off, and the others are not', () => {
    const { fan, listeners, turn } = fanOut(2)
    fan.deliver([enter(0), enter(1)])
    const [slow, quick] = listeners
    if (slow !== undefined) slow.queued = 101
    fan.deliver([toRoom('a')])
    whileTrue(turn)
    fan.deliver([toRoom('b')])
    whileTrue(turn)
    expect([slow?.ended, quick?.ended]).toEqual(['slow-reader', undefined])
    expect([slow?.text, quick?.text]).toEqual(['>a', '>ab'])
  })

  test('the end comes after what was queued before, and a closed connection gets nothing', () => {
    const { fan, listeners, turn } = fanOut(2)
    fan.deliver([enter(0), enter(1), toRoom('a'), { type: 'end', connection: 0 }])
    fan.close(1)
    whileTrue(turn)
    expect(listeners.map(({ text, ended }) => [text, ended])).toEqual([
      ['>a', 'exit'],
      ['', undefined],
    ])
  })
})
