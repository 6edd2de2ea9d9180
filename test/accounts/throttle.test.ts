import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { affordableHashes, HashQueue } from '../../src/accounts/hash-queue.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import {
  type Admission,
  type LoginAttempt,
  LoginThrottle,
  type ThrottleOptions,
  type Verdict,
} from '../../src/accounts/throttle.ts'
import { networkList } from '../../src/net/networks.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function setUp({
  exempt = [],
  namesAreSecret = false,
  maxEntries,
}: Partial<ThrottleOptions> & { maxEntries?: number } = {}) {
  const clock = new VirtualClock()
  const throttle = new LoginThrottle(clock, { exempt, namesAreSecret }, maxEntries)
  /** Tries once; what came of it and after how long, once it is over. */
  const attempt = async (verdict: Verdict, of: Partial<LoginAttempt> = {}, signal?: AbortSignal) => {
    const beganMs = clock.monotonic()
    const admission = await throttle.attempt(
      { name: 'Ada', address: '192.0.2.1', known: false, failures: 0, ...of },
      signal,
    )
    if (admission.kind === 'admitted') admission.settle(verdict)
    return { kind: admission.kind, afterMs: clock.monotonic() - beganMs }
  }
  const later = async (ms: number): Promise<void> => {
    const endMs = clock.monotonic() + ms
    while (clock.monotonic() < endMs) {
      await settle()
      clock.advance(Math.min(100, endMs - clock.monotonic()))
    }
    await settle()
  }
  return { clock, throttle, attempt, later }
}

describe('the throttle', () => {
  test.each<[string, Verdict, (n: number) => Partial<LoginAttempt>, number, number]>([
    ['one source at one account', 'wrong', () => ({}), 3, 10],
    ['one source at one account that does not exist', 'unknown', () => ({}), 3, 10],
    ['one source at many accounts', 'wrong', (n) => ({ name: `User ${n}` }), 6, 26],
    ['one source at many names that do not exist', 'unknown', (n) => ({ name: `User ${n}` }), 120, 240],
    ['many sources at one account', 'wrong', (n) => ({ address: `198.51.100.${n}` }), 4, 34],
    ['one IPv6 network at many accounts', 'wrong', (n) => ({ name: `User ${n}`, address: `2001:db8::${n}` }), 6, 26],
  ])('tests of %s at once and in a minute: a burst, then a rate', async (_, verdict, of, burst, inAMinute) => {
    const { attempt, later } = setUp()
    let tested = 0
    for (let n = 0; n < 250; n++)
      void attempt(verdict, of(n)).then(({ kind }) => (tested += kind === 'admitted' ? 1 : 0))
    await later(1)
    expect(tested).toBe(burst)
    await later(59_900)
    expect(tested).toBeGreaterThanOrEqual(inAMinute - 2)
    expect(tested).toBeLessThanOrEqual(inAMinute)
  })

  test('counts an unknown name like a guess where names are secret', async () => {
    const { attempt, later } = setUp({ namesAreSecret: true })
    let tested = 0
    for (let n = 0; n < 50; n++) void attempt('unknown', { name: `User ${n}` }).then(() => tested++)
    await later(59_900)
    expect(tested).toBe(25)
  })

  test('takes nothing for the right password, or for one that was not tested', async () => {
    const { attempt } = setUp()
    for (const verdict of ['right', 'untested'] as const)
      for (let n = 0; n < 100; n++) expect(await attempt(verdict)).toEqual({ kind: 'admitted', afterMs: 0 })
  })

  test('tests one password of an account at a time, and those of another one meanwhile', async () => {
    const { throttle } = setUp()
    const at = (name: string, address: string) => throttle.attempt({ name, address, known: false, failures: 0 })
    const first = await at('Ada', '192.0.2.1')
    let second: Admission | undefined
    void at('ADA', '192.0.2.2').then((admission) => {
      second = admission
    })
    await settle()
    expect(second).toBeUndefined()
    expect((await at('Bob', '192.0.2.2')).kind).toBe('admitted')
    if (first.kind === 'admitted') first.settle('wrong')
    await settle()
    expect(second?.kind).toBe('admitted')
  })

  test('lets a source where the owner was before go first, however many others wait', async () => {
    const { attempt, later } = setUp()
    for (let n = 0; n < 400; n++) void attempt('wrong', { address: `10.0.${n >> 8}.${n & 255}` })
    await later(10_000)
    const owner = attempt('right', { known: true })
    await later(2_000)
    expect((await owner).afterMs).toBeLessThanOrEqual(2_000)
  })

  test('gives one typing error back when the right password follows, and only then', async () => {
    const { attempt, later } = setUp()
    for (let n = 0; n < 60; n++) {
      expect(await attempt('wrong', { name: `User ${n}` })).toMatchObject({ afterMs: 0 })
      expect(await attempt('right', { name: `User ${n}` })).toMatchObject({ afterMs: 0 })
    }
    // A guess at the account of somebody who comes much later stays counted.
    await attempt('wrong', { name: 'User 1' })
    await later(accountLimits.typingErrorMs + 100)
    await attempt('right', { name: 'User 1' })
    let tested = 0
    for (let n = 0; n < 10; n++) void attempt('wrong', { name: `Other ${n}` }).then(() => tested++)
    await settle()
    expect(tested).toBe(6)
  })

  test('lets exempt networks guess without a wait, one after the other at an account', async () => {
    const { attempt } = setUp({ exempt: networkList.parse('10.0.0.0/8') })
    for (let n = 0; n < 100; n++) expect(await attempt('wrong', { address: '10.1.2.3' })).toMatchObject({ afterMs: 0 })
    for (let n = 0; n < 3; n++) await attempt('wrong')
    const leaving = new AbortController()
    const other = attempt('wrong', {}, leaving.signal)
    leaving.abort()
    expect((await other).kind).toBe('left')
  })

  test('refuses nobody: forty guesses wait for as long as it takes, and a right password that came last does not', async () => {
    const { throttle, attempt, later } = setUp()
    const guesses = Array.from({ length: 40 }, () => attempt('wrong', { failures: 5 }))
    await later(55_000)
    expect(await attempt('right')).toEqual({ kind: 'admitted', afterMs: 0 })
    await later(400_000)
    expect((await Promise.all(guesses)).map(({ kind }) => kind)).toEqual(guesses.map(() => 'admitted'))
    expect(throttle.waiting).toBe(0)
  })

  test('lets a class register at once, then half an account a second; taken names count too', async () => {
    const { throttle, later } = setUp()
    let admitted = 0
    for (let n = 0; n < 200; n++)
      void throttle.registration(`User ${n}`, '192.0.2.1').then((admission) => {
        if (admission.kind !== 'admitted') return
        admitted++
        admission.settle(n % 2 === 0 ? 'right' : 'wrong')
      })
    await later(1)
    expect(admitted).toBe(70)
    await later(20_000)
    expect(admitted).toBe(80)
  })

  test('remembers a bounded number of accounts and sources, and nothing of those who left', async () => {
    const { throttle, attempt } = setUp({ maxEntries: 100 })
    for (let n = 0; n < 1000; n++) await attempt('wrong', { name: `User ${n}`, address: `10.0.${n >> 8}.${n & 255}` })
    expect(throttle.entries).toBeLessThanOrEqual(100)
    expect(throttle.entries).toBeGreaterThanOrEqual(96)
    const fresh = setUp()
    for (let n = 0; n < 100; n++) await fresh.attempt('right', { name: `User ${n}`, address: `10.0.0.${n}` })
    expect(fresh.throttle.entries).toBe(0)
  })

  test('whoever tries what in whatever order: no rate is exceeded, nothing hangs, and nothing is held for ever', async () => {
    const step = fc.record({
      name: fc.nat(2),
      source: fc.nat(2),
      verdict: fc.constantFrom<Verdict>('right', 'wrong', 'unknown', 'untested'),
      known: fc.boolean(),
      failures: fc.nat(3),
      leavesAfterMs: fc.option(fc.nat(5_000)),
      pauseMs: fc.nat(3_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, throttle, attempt, later } = setUp()
        const wrong: { readonly name: number; readonly source: number; readonly atMs: number }[] = []
        const all = []
        for (const { name, source, verdict, known, failures, leavesAfterMs, pauseMs } of steps) {
          const leaving = new AbortController()
          if (leavesAfterMs !== null) clock.after(leavesAfterMs, () => leaving.abort())
          const of = { name: `User ${name}`, address: `192.0.2.${source}`, known, failures }
          all.push(
            attempt(verdict, of, leaving.signal).then(({ kind }) => {
              if (kind === 'admitted' && verdict === 'wrong') wrong.push({ name, source, atMs: clock.monotonic() })
            }),
          )
          await later(pauseMs)
        }
        await later(600_000)
        await Promise.all(all)
        expect(throttle.waiting).toBe(0)
        for (const from of [0, 1, 2]) {
          expect(mostIn(wrong.filter(({ source }) => source === from))).toBeLessThanOrEqual(30)
          expect(mostIn(wrong.filter(({ name }) => name === from))).toBeLessThanOrEqual(34)
          for (const at of [0, 1, 2])
            expect(mostIn(wrong.filter(({ name, source }) => source === from && name === at))).toBeLessThanOrEqual(10)
        }
        await later(120_000)
        clock.advance(accountLimits.repeatedFailureMs)
        // Nothing is left that would make anybody wait.
        expect(await attempt('right')).toEqual({ kind: 'admitted', afterMs: 0 })
      }),
      { numRuns: 30 },
    )
  })
})

/** The most of these in one minute. */
function mostIn(moments: readonly { readonly atMs: number }[]): number {
  return Math.max(
    0,
    ...moments.map(({ atMs }) => moments.filter((other) => other.atMs >= atMs && other.atMs < atMs + 60_000).length),
  )
}

/** Work that ends when it is told to. */
function job() {
  const gate = Promise.withResolvers<string>()
  let began = false
  return {
    work: () => {
      began = true
      return gate.promise
    },
    get began() {
      return began
    },
    end: (value = 'x') => gate.resolve(value),
    fail: (error: Error) => gate.reject(error),
  }
}

describe('the hash queue', () => {
  test('runs as many as it is wide, and the others in order', async () => {
    const queue = new HashQueue(2, new VirtualClock())
    const jobs = [job(), job(), job(), job()]
    const turns = jobs.map(({ work }) => queue.run(work))
    await settle()
    expect(jobs.map(({ began }) => began)).toEqual([true, true, false, false])
    jobs[1]?.end('second')
    expect(await turns[1]).toEqual({ kind: 'done', value: 'second' })
    await settle()
    expect(jobs.map(({ began }) => began)).toEqual([true, true, true, false])
    for (const { end } of jobs) end()
    await Promise.all(turns)
    expect([queue.running, queue.waiting]).toEqual([0, 0])
  })

  test('says busy, and for how long, when too many wait', async () => {
    const clock = new VirtualClock()
    const queue = new HashQueue(1, clock)
    const jobs = Array.from({ length: accountLimits.waitingHashes + 1 }, () => job())
    const turns = jobs.map(({ work }) => queue.run(work))
    // 256 × 33 ms, half of it.
    expect(await queue.run(job().work)).toEqual({ kind: 'busy', retryMs: 4224 })
    for (const { end } of jobs) end()
    expect((await Promise.all(turns)).every(({ kind }) => kind === 'done')).toBe(true)
    expect(await queue.run(async () => 1)).toEqual({ kind: 'done', value: 1 })
  })

  // A quarter of 256 × the estimate, which starts at 33 ms and moves by a sixteenth of the difference with each hash.
  test.each<[number[], number]>([
    [[], 2112],
    [[33], 2112],
    [[193], 2752],
    [[193, 203], 3392],
    [[193, 203, 37], 3328],
    [Array(11).fill(0), 1039],
    [Array(12).fill(0), 1000],
  ])('after hashes of %j ms tells those who find no room to wait for %i ms', async (took, retryMs) => {
    const clock = new VirtualClock()
    const queue = new HashQueue(2, clock)
    for (const ms of took) await queue.run(async () => clock.advance(ms))
    for (let n = 0; n < accountLimits.waitingHashes + 2; n++) void queue.run(job().work)
    expect(await queue.run(job().work)).toEqual({ kind: 'busy', retryMs })
  })

  test('gives the place of a client that left to the next', async () => {
    const queue = new HashQueue(1, new VirtualClock())
    const [first, second, third] = [job(), job(), job()]
    const leaving = new AbortController()
    const turns = [queue.run(first.work), queue.run(second.work, { signal: leaving.signal }), queue.run(third.work)]
    await settle()
    expect(queue.waiting).toBe(2)
    leaving.abort()
    expect(await turns[1]).toEqual({ kind: 'left' })
    expect(queue.waiting).toBe(1)
    first.end()
    await settle()
    expect([second.began, third.began]).toEqual([false, true])
    third.end()
    await Promise.all(turns)
    expect(await queue.run(job().work, { signal: AbortSignal.abort() })).toEqual({ kind: 'left' })
  })

  test('frees the slot of a hash that fails', async () => {
    const queue = new HashQueue(1, new VirtualClock())
    await expect(queue.run(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory')
    expect(await queue.run(async () => 1)).toEqual({ kind: 'done', value: 1 })
  })

  test('lets urgent work go first, and has places for it when it is full of other work', async () => {
    const queue = new HashQueue(1, new VirtualClock())
    const jobs = Array.from({ length: accountLimits.waitingHashes + 1 }, () => job())
    for (const { work } of jobs) void queue.run(work)
    const urgent = job()
    const turn = queue.run(urgent.work, { urgent: true })
    await settle()
    jobs[0]?.end()
    await settle()
    expect([urgent.began, jobs[1]?.began]).toEqual([true, false])
    urgent.end()
    expect((await turn).kind).toBe('done')
  })
})

test.each([
  [63, Number.POSITIVE_INFINITY, 63],
  [63, 2 ** 30, 6],
  [4, 2 ** 30, 4],
  [63, 256 * 2 ** 20, 1],
  [63, 1, 1],
])(
  'bug: on %i processors with %d bytes of memory the hashes took it all: %i at a time',
  (width, memoryBytes, count) => {
    expect(affordableHashes(width, memoryBytes)).toBe(count)
  },
)
