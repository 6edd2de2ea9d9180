import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Command, CommandRing } from '../../../src/scan/workers/command-ring.ts'
import { ResultRing } from '../../../src/scan/workers/result-ring.ts'

const target = { address: 'fe80::1%eth0', family: 6 } as const

describe('the ring of commands', () => {
  test('hands every command to exactly one reader, in order, and refuses when it is full', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(800), fc.nat(300), fc.boolean()), { maxLength: 12 }), (turns) => {
        const writer = new CommandRing()
        const readers = [new CommandRing(writer.buffer), new CommandRing(writer.buffer)]
        const seen: Command[] = []
        let pushed = 0
        let wrong = 0
        for (const [push, claim, first] of turns) {
          for (let each = 0; each < push; each++) {
            const isRoom = writer.backlog < 1024
            const isTaken = writer.push(pushed, 7, target, pushed % 65_536, 100, 0)
            if (isTaken !== isRoom) wrong++
            if (isTaken) pushed++
          }
          readers[first ? 0 : 1]?.claim(claim, (command) => seen.push(command))
        }
        expect(wrong).toBe(0)
        expect(writer.backlog).toBe(pushed - seen.length)
        expect(seen.map(({ ticket }) => ticket)).toEqual(Array.from(seen, (_, index) => index))
        expect(seen.every((one) => one.target.address === target.address && one.target.family === 6)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

describe('the ring of results', () => {
  test('gives back what was put in, as often as it wraps', () => {
    const writer = new ResultRing(4)
    const reader = new ResultRing(4, writer.buffer)
    const got: number[][] = []
    for (let turn = 0; turn < 5; turn++) {
      for (let ticket = 0; ticket < 4 - (turn % 2); ticket++) writer.push(ticket, -1, 1.5)
      expect(reader.drain((...one) => got.push(one))).toBe(4 - (turn % 2))
    }
    expect(got).toHaveLength(18)
    expect(got.every(([, outcome, rttMs]) => outcome === -1 && rttMs === 1.5)).toBe(true)
  })
})
