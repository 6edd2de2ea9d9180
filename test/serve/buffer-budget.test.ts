import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { BufferBudget, BufferLedger, bufferBytes, largestIdle } from '../../src/serve/buffer-budget.ts'
import { serveLimits } from '../../src/serve/limits.ts'

const mebibyte = 1_048_576

describe('the budget of a server', () => {
  test.each([
    [Number.POSITIVE_INFINITY, 64],
    [1_024 * mebibyte, 64],
    [256 * mebibyte, 64],
    [128 * mebibyte, 32],
    [64 * mebibyte, 16],
    [mebibyte, 4],
  ])('with %p bytes of memory is %p MiB', (memory, mib) => {
    expect(bufferBytes(memory)).toBe(mib * mebibyte)
  })

  test('is one for all threads, and a thread that ends takes nothing with it', () => {
    const budget = new BufferBudget(1_000)
    const shares = [budget.share(), budget.share()] as const
    const [one, other] = shares.map((share) => new BufferLedger(share)) as [BufferLedger, BufferLedger]
    one.change(0, 300)
    other.change(0, 500)
    expect([one.usedBytes, other.usedBytes]).toEqual([800, 800])
    expect([one.isShort, other.isShort]).toEqual([true, true])
    budget.end(shares[1])
    budget.end(shares[1])
    expect(one.usedBytes).toBe(300)
    expect(one.isShort).toBe(false)
    one.change(300, 0)
    expect(one.usedBytes).toBe(0)
  })

  test('lets everybody hold anything until it is short, and then an equal part of the rest', () => {
    const ledger = new BufferLedger(new BufferBudget(4_000).share())
    ledger.change(0, 3_000)
    expect(ledger.mayHold(1_000_000)).toBe(true)
    ledger.change(0, 1)
    expect([500, 501].map((bytes) => ledger.mayHold(bytes))).toEqual([true, false])
    ledger.change(3_000, 2_999)
    expect(ledger.mayHold(501)).toBe(true)
  })

  /** Clients of some threads who take all they can get, in pieces of one read while memory is short. */
  const greed = fc.array(fc.tuple(fc.nat(2), fc.nat(30), fc.integer({ min: 1, max: 65_536 })), { maxLength: 400 })

  test('is never exceeded by more than a read of each thread and client, however greedy they are', () => {
    fc.assert(
      fc.property(greed, (reads) => {
        const budget = new BufferBudget(mebibyte)
        const ledgers = [0, 1, 2].map(() => new BufferLedger(budget.share()))
        const held = new Map<string, number>()
        for (const [thread, client, bytes] of reads) {
          const ledger = ledgers[thread]
          const key = `${thread} ${client}`
          const before = held.get(key) ?? 0
          if (ledger === undefined || !ledger.mayHold(before)) continue
          const after = before + (ledger.isShort ? Math.min(bytes, serveLimits.shortReadBytes) : bytes)
          ledger.change(before, after)
          held.set(key, after)
        }
        const used = [...held.values()].reduce((sum, bytes) => sum + bytes, 0)
        expect(ledgers[0]?.usedBytes).toBe(used)
        expect(used).toBeLessThanOrEqual(mebibyte + 65_536 + held.size * serveLimits.shortReadBytes)
      }),
    )
  })

  test('is made room in by each thread in proportion to what it holds, enough together and nothing while it is not short', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 }), (parts) => {
        const budget = new BufferBudget(400_000)
        const ledgers = parts.map((bytes) => {
          const ledger = new BufferLedger(budget.share())
          ledger.change(0, bytes)
          return ledger
        })
        const used = parts.reduce((sum, bytes) => sum + bytes, 0)
        const excess = ledgers.map(({ excessBytes }) => excessBytes)
        const freed = excess.reduce((sum, bytes) => sum + bytes, 0)
        if (used <= 400_000 * serveLimits.bufferLine) expect(freed).toBe(0)
        else {
          expect(used - freed).toBeLessThanOrEqual(400_000 * serveLimits.bufferTarget)
          expect(freed).toBeLessThan(used - 400_000 * serveLimits.bufferTarget + parts.length)
        }
        for (const [i, bytes] of excess.entries()) expect(bytes).toBeLessThanOrEqual(parts[i] ?? 0)
      }),
    )
  })
})

describe('who is cut', () => {
  const holder = (heldBytes: number, activeMs: number) => ({ heldBytes, activeMs })

  test('are the largest that don’t move, and no more of them than needed', () => {
    const all = [holder(10, 0), holder(500, 0), holder(900, 5_000), holder(300, 1_000), holder(400, 1_001)]
    expect(largestIdle(all, 1, 1_000)).toEqual([holder(500, 0)])
    expect(largestIdle(all, 501, 1_000)).toEqual([holder(500, 0), holder(300, 1_000)])
    expect(largestIdle(all, 10_000, 1_000)).toEqual([holder(500, 0), holder(300, 1_000), holder(10, 0)])
    expect(largestIdle(all, 0, 1_000)).toEqual([])
  })
})
