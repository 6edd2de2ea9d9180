import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { TokenBucket } from '../../src/base/token-bucket.ts'
import { deriveRoomKey, keyScheduleFrom, nullAead } from '../../src/datagram-chat/aead.ts'
import { FragmentReceiver } from '../../src/datagram-chat/fragment-receiver.ts'
import { datagramLimits } from '../../src/datagram-chat/limits.ts'
import { NetworkEmulator } from '../../src/datagram-chat/network-emulator.ts'
import { ReceiveWindow } from '../../src/datagram-chat/receive-window.ts'
import { CookieSigner } from '../../src/datagram-chat/relay-handshake.ts'
import { RetransmissionTimeout } from '../../src/datagram-chat/retransmission.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('the receive window', () => {
  test('takes each number once, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 300 }), (numbers) => {
        const window = new ReceiveWindow()
        const taken = numbers.filter((number) => window.accept(number))
        expect(taken).toEqual([...new Set(numbers)])
        expect(window.counts.duplicates).toBe(numbers.length - taken.length)
        const span = taken.length === 0 ? 0 : Math.max(...taken) - Math.min(...taken) + 1
        expect(window.counts.lost).toBe(span - taken.length)
      }),
    )
  })

  test('refuses what is too old to tell, and survives a leap', () => {
    const window = new ReceiveWindow()
    expect([5000, 5000 - 1024, 5000 - 1023, 2 ** 40, 5000, 2 ** 40].map((number) => window.accept(number))).toEqual([
      ...[true, false, true],
      ...[true, false, false],
    ])
  })
})

describe('the retransmission timeout', () => {
  test('follows the formulas of RFC 6298', () => {
    const timeout = new RetransmissionTimeout()
    expect(timeout.afterMs()).toBe(1000)
    timeout.sample(400)
    expect(timeout.afterMs()).toBe(400 + 4 * 200)
    timeout.sample(200)
    expect(timeout.smoothedMs).toBe(375)
    expect(timeout.variationMs).toBe(200)
    expect([1, 2, 3, 20].map((attempts) => timeout.afterMs(attempts))).toEqual([1175, 2350, 4700, 60_000])
    for (let sample = 0; sample < 100; sample += 1) timeout.sample(1)
    expect(timeout.afterMs()).toBe(200)
  })
})

describe('a cookie', () => {
  const cookies = new CookieSigner(Buffer.alloc(32, 1))
  const peer = { address: '192.0.2.1', port: 4000 }
  const nonce = Buffer.alloc(8, 2)

  test.each([
    ['at once', peer, nonce, 0, true],
    ['in the next slot', peer, nonce, 59_999, true],
    ['later', peer, nonce, 60_000, false],
    ['from another port', { ...peer, port: 4001 }, nonce, 0, false],
    ['from another address', { ...peer, address: '192.0.2.2' }, nonce, 0, false],
    ['with another nonce', peer, Buffer.alloc(8, 3), 0, false],
  ])('%s', (_when, from, by, atMs, good) => {
    expect(cookies.verify(cookies.mint(peer, nonce, 0), from, by, atMs)).toBe(good)
  })

  test('of another relay', () => {
    const other = new CookieSigner(Buffer.alloc(32, 9))
    expect(cookies.verify(other.mint(peer, nonce, 0), peer, nonce, 0)).toBe(false)
  })
})

describe('the AEAD', () => {
  const header = Buffer.from('header')
  const seals = keyScheduleFrom(Buffer.alloc(32, 1))
  const body = Buffer.from('a body')

  test('opens only with the same key, purpose, context, header and number', () => {
    const closed = seals('to relay', Buffer.from('s')).seal(header, 7, body)
    const open = (seal = seals('to relay', Buffer.from('s')), head = header, number = 7) =>
      seal.open(head, number, closed)
    expect(open()).toEqual(body)
    expect(open(seals('to member', Buffer.from('s')))).toBeUndefined()
    expect(open(seals('to relay', Buffer.from('t')))).toBeUndefined()
    expect(open(keyScheduleFrom(Buffer.alloc(32, 2))('to relay', Buffer.from('s')))).toBeUndefined()
    expect(open(undefined, Buffer.from('Header'))).toBeUndefined()
    expect(open(undefined, header, 8)).toBeUndefined()
    expect(nullAead.open(header, 7, closed)).toBe(closed)
    expect(seals('to all').open(header, 1, Buffer.alloc(15))).toBeUndefined()
  })

  test('the room key depends on phrase and salt, and not on how the phrase was typed', async () => {
    const salt = Buffer.alloc(16, 1)
    const keys = await Promise.all([
      deriveRoomKey('über alles', salt),
      deriveRoomKey('u\u0308ber alles', salt),
      deriveRoomKey('über alles', Buffer.alloc(16, 2)),
    ])
    expect(keys[0]).toEqual(keys[1])
    expect(keys[0]).not.toEqual(keys[2])
  })
})

describe('fragments', () => {
  const inbox = () => new FragmentReceiver(new TokenBucket(1000, 1000, 0))
  const fragment = (number: number, index: number, count: number, bytes: Buffer | string = `${number}`) => {
    return { number, action: false, index, count, bytes: Buffer.from(bytes) }
  }
  const taken = (box: FragmentReceiver) =>
    [...box.accept(0)].map((message) => Buffer.concat(message.map((one) => one.bytes)).toString())

  test('are put in order and joined, whatever the order and however often they come', () => {
    const fragments = [fragment(1, 0, 1), fragment(2, 0, 3), fragment(3, 1, 3), fragment(4, 2, 3), fragment(5, 0, 1)]
    fc.assert(
      fc.property(fc.shuffledSubarray([...fragments, ...fragments], { minLength: 10 }), (shuffled) => {
        const box = inbox()
        const messages = shuffled.flatMap((one) => {
          box.add(one)
          return taken(box)
        })
        expect(messages).toEqual(['1', '234', '5'])
      }),
    )
  })

  test.each([
    ['of 0 bytes', [fragment(1, 0, 1, '')], 'empty'],
    ['of blanks', [fragment(1, 0, 1, ' \n')], 'empty'],
    ['that is not UTF-8', [fragment(1, 0, 1, Buffer.from([0xff, 0xfe]))], 'not-text'],
    ['of more than 4 KiB', [0, 1, 2, 3, 4].map((i) => fragment(i + 1, i, 5, 'x'.repeat(1000))), 'too-long'],
    [
      'of many times 4 KiB',
      Array.from({ length: 16 }, (_, i) => fragment(i + 1, i, 16, 'x'.repeat(datagramLimits.fragmentBytes))),
      'too-long',
    ],
    ['with an index beyond its count', [fragment(1, 2, 2)], 'bad-fragments'],
    ['of no fragments', [fragment(1, 0, 0)], 'bad-fragments'],
    ['without its beginning', [fragment(1, 1, 2)], 'bad-fragments'],
  ])('a message %s is refused', (_what, fragments, reason) => {
    const box = inbox()
    for (const one of fragments) box.add(one)
    expect(taken(box)).toEqual([])
    expect(box.refusals).toEqual([{ fragment: fragments.length, reason }])
    box.add(fragment(fragments.length + 1, 0, 1, 'next'))
    expect(taken(box)).toEqual(['next'])
  })

  test('beyond the window they are dropped; what was given up is not waited for', () => {
    const box = inbox()
    box.add(fragment(17, 0, 1))
    box.add(fragment(3, 0, 1))
    expect([box.held, taken(box)]).toEqual([0b100, []])
    box.giveUpBefore(3)
    expect([taken(box), box.accepted, box.held]).toEqual([['3'], 3, 0])
  })
})

describe('the network emulator', () => {
  const carried = (seed: number) => {
    const clock = new VirtualClock()
    const network = new NetworkEmulator({ drop: 0.3, duplicate: 0.2, reorder: 0.2, delayMs: 10, seed }, clock)
    const arrived: number[] = []
    for (let datagram = 0; datagram < 500; datagram += 1) {
      network.carry(() => arrived.push(datagram))
      clock.advance(5)
    }
    clock.advance(1000)
    return arrived
  }

  test('does the same for the same seed, and about what was asked for', () => {
    const arrived = carried(1)
    expect(arrived).toEqual(carried(1))
    expect(arrived).not.toEqual(carried(2))
    const distinct = new Set(arrived).size
    expect(distinct / 500).toBeCloseTo(0.7, 1)
    expect(arrived.length / distinct).toBeCloseTo(1.2, 1)
    expect(arrived).not.toEqual([...arrived].sort((a, b) => a - b))
  })
})
