import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { datagramLimits } from '../../src/datagram-chat/limits.ts'
import { StrangerGate } from '../../src/datagram-chat/stranger-gate.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const peer = (address: string) => ({ address, port: 1 })
const ipv4 = (n: number) => peer(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
const { resolutionMs, strangerFreeAnswers: free, strangerAnswersPerSecond: perSecond } = datagramLimits

describe('answers to strangers', () => {
  test('bug: what waits for addresses that nobody has filled the send buffer', () => {
    const clock = new VirtualClock()
    const gate = new StrangerGate(clock, 100)
    // A thousand a second, never the same one.
    let answered = 0
    for (let n = 0; n < 35_000; n++) {
      if (gate.admits(ipv4(n))) answered += 1
      clock.advance(1)
    }
    expect(answered).toBeGreaterThan(0)
    expect(answered).toBeLessThanOrEqual(100 * Math.ceil(35_000 / resolutionMs))
  })

  test('of addresses that exist there may be any number', () => {
    const gate = new StrangerGate(new VirtualClock(), 10)
    for (let n = 0; n < 5_000; n++) {
      expect(gate.admits(ipv4(n))).toBe(true)
      gate.proved(ipv4(n))
    }
  })

  test('an address that never proves that it hears us is answered ever more rarely', () => {
    const clock = new VirtualClock()
    const gate = new StrangerGate(clock, 100)
    const answeredIn = (ms: number): number => {
      let answered = 0
      for (let spent = 0; spent < ms; spent += 100) {
        if (gate.admits(ipv4(1))) answered += 1
        clock.advance(100)
      }
      return answered
    }
    expect(answeredIn(1_000)).toBe(free)
    expect(answeredIn(10_000)).toBeLessThanOrEqual(3)
    expect(answeredIn(80_000)).toBeLessThanOrEqual(10)
    gate.proved(ipv4(1))
    expect(answeredIn(10_000)).toBe(100)
  })

  test('a flood in a /64 leaves room for others, and each source has a rate', () => {
    const gate = new StrangerGate(new VirtualClock(), 100)
    const flood = Array.from({ length: 1_000 }, (_, n) => gate.admits(peer(`2001:db8::${n.toString(16)}`)))
    expect(flood.filter((admitted) => admitted)).toHaveLength(50)
    expect(gate.admits(peer('2001:db8:0:1::1'))).toBe(true)
    expect(gate.admits(ipv4(1))).toBe(true)
    for (const one of [peer('2001:db8:0:2::1'), peer('2001:db8:0:2::2')]) gate.proved(one)
    const bursts = Array.from({ length: 5_000 }, (_, n) => gate.admits(peer(`2001:db8:0:2::${1 + (n % 2)}`)))
    expect(bursts.filter((admitted) => admitted)).toHaveLength(2 * perSecond)
  })

  test('whatever happens, no more wait than may, and room comes back', () => {
    const step = fc.record({ n: fc.nat(20), what: fc.constantFrom('ask', 'prove', 'wait'), ms: fc.nat(2_000) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const clock = new VirtualClock()
        const gate = new StrangerGate(clock, 5)
        const proven = new Set<number>()
        let held: { n: number; untilMs: number }[] = []
        for (const { n, what, ms } of steps) {
          if (what === 'wait') clock.advance(ms)
          else if (what === 'prove') {
            gate.proved(ipv4(n))
            proven.add(n)
            held = held.filter((one) => one.n !== n)
          } else if (gate.admits(ipv4(n)) && !proven.has(n)) held.push({ n, untilMs: clock.monotonic() + resolutionMs })
          held = held.filter(({ untilMs }) => untilMs > clock.monotonic())
          expect(held.length).toBeLessThanOrEqual(5)
        }
        clock.advance(resolutionMs)
        expect(gate.admits(peer('192.0.2.77'))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
