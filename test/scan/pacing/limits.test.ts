import { describe, expect, test } from '@jest/globals'
import { Random } from '../../../src/base/random.ts'
import { Estimator } from '../../../src/scan/pacing/estimator.ts'
import { HostLiveness } from '../../../src/scan/pacing/host-liveness.ts'
import { HostState, ReferencePorts } from '../../../src/scan/pacing/host-state.ts'
import { HostSamples, LossSample, MeasurementInterval } from '../../../src/scan/pacing/interval.ts'
import {
  isSelfMeasuring,
  LossHypothesis,
  lostShare,
  RandomLoss,
  RateExperiment,
  RateSample,
} from '../../../src/scan/pacing/loss-analysis.ts'
import {
  type LossCount,
  type LossEvidence,
  LossHistory,
  LossLog,
  lossChance,
} from '../../../src/scan/pacing/loss-history.ts'
import { HostQueue, type Probe } from '../../../src/scan/pacing/probe-queue.ts'
import { type DelaySample, QueueingDelay } from '../../../src/scan/pacing/queueing-delay.ts'
import { RateControl } from '../../../src/scan/pacing/rate-control.ts'
import { LimitRecheck, RateLimit } from '../../../src/scan/pacing/rate-limit.ts'
import { ContradictoryPorts, ReferenceProbes } from '../../../src/scan/pacing/reference-probes.ts'
import { HostRtt, TimeoutPolicy } from '../../../src/scan/pacing/rtt.ts'
import { type PacingPlan, ProbeScheduler, ResourceBackOff } from '../../../src/scan/pacing/scheduler.ts'
import { TimeBudget } from '../../../src/scan/pacing/time-budget.ts'
import type { ScanHost } from '../../../src/scan/types.ts'

// Each quantity of pacing/limits.ts is held between two cases, so that a change by a factor of two fails here.

type Counts = readonly [sent: number, answered: number]

interface IntervalCase {
  readonly index?: number
  readonly startMs?: number
  readonly endMs?: number
  readonly first?: Counts
  /** The chance at which first attempts were expected to be answered. */
  readonly chance?: number
  readonly open?: Counts
  readonly refusing?: Counts
  readonly retries?: number
  readonly host?: number
}

function interval({ index = 1, startMs = 0, endMs = 100, chance = 1, retries = 0, host = 0, ...counts }: IntervalCase) {
  const made = new MeasurementInterval(index, startMs)
  const { first = [0, 0], open = [0, 0], refusing = [0, 0] } = counts
  for (const [purpose, [sent, answered], expected] of [
    ['first', first, chance],
    ['open-reference', open, 1],
    ['refusing-reference', refusing, 1],
  ] as const) {
    for (let each = 0; each < sent; each++) made.recordSent(host, purpose, expected)
    for (let each = 0; each < answered; each++) made.recordAnswer(host, purpose)
  }
  for (let each = 0; each < retries; each++) made.recordSent(host, 'retry', 0)
  made.endMs = endMs
  return made
}

function sample(sent: number, answered: number, chance = 1): LossSample {
  const made = new LossSample()
  for (let each = 0; each < sent; each++) made.count(chance)
  for (let each = 0; each < answered; each++) made.arrived()
  return made
}

const all = (): boolean => true

function scanHosts(count: number): ScanHost[] {
  return Array.from({ length: count }, (_, number) => ({ address: String(number), family: 4 }))
}

const hostState = (number = 0): HostState =>
  new HostState({ address: String(number), family: 4 }, number, new Uint16Array(10))

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

describe('the rate', () => {
  /** The rate after intervals that begin with index 1, each one second after the other. */
  function control(cases: readonly IntervalCase[], made = new RateControl()): RateControl {
    for (const [at, one] of cases.entries()) made.evaluate(interval({ index: at + 1, ...one }), at + 2, at * 1000, true)
    return made
  }

  test.each<[string, IntervalCase, number]>([
    ['all answered', { open: [100, 100] }, 1500],
    ['92 % answered', { open: [100, 92] }, 1500],
    ['88 % answered', { open: [100, 88] }, 1000],
    ['6 expected: too few', { first: [94, 0], chance: 0, open: [6, 6] }, 1000],
    ['10 expected', { first: [90, 0], chance: 0, open: [10, 10] }, 1500],
    ['60 % of the rate sent', { open: [60, 60] }, 1500],
    ['40 % of the rate sent', { open: [40, 40] }, 1000],
    ['nothing known to answer', { first: [100, 0], chance: 0 }, 1500],
  ])('starts at 1000 a second and after %s is as expected', (_, one, rate) => {
    expect(new RateControl().rate).toBe(1000)
    expect(control([one]).rate).toBe(rate)
  })

  test.each<[string, number, Partial<IntervalCase>]>([
    ['5,000 while nothing answers', 5000, { chance: 0, first: [1_000_000, 0] }],
    ['200,000 at most', 200_000, { open: [1000, 1000], retries: 1_000_000 }],
  ])('ends at %s', (_, rate, one) => {
    const big = interval(one)
    const made = new RateControl()
    for (let each = 0; each < 40; each++) made.evaluate(big, 2, 0, true)
    expect(made.rate).toBe(rate)
  })

  test('falls by 30 % at each shortage of our own system, to 50', () => {
    const made = new RateControl()
    made.shortage()
    expect(made.rate).toBeCloseTo(700)
    for (let each = 0; each < 20; each++) made.shortage()
    expect(made.rate).toBe(50)
  })

  test.each<[string, boolean, readonly number[], number]>([
    ['once', false, [10_000], 1000],
    ['twice', false, [10_000, 12_000], 1000],
    ['after all of them were silent', true, [10_000], 1000],
    ['after all of them were silent twice', true, [10_000, 12_000], 500],
    ['within a second of each other', true, [10_000, 10_600], 1000],
  ])('when hosts are back, %s', (_, wasPathDown, times, rate) => {
    const made = new RateControl()
    for (const atMs of times) made.restart(atMs, wasPathDown)
    expect(made.rate).toBe(rate)
  })

  test.each([
    ['ports are left that were never tried', true, 400],
    ['all were tried', false, 250],
  ])('falls for missing refusals, while no open port is known and %s, to %s', (_, hasUntried, rate) => {
    const made = new RateControl()
    made.hasUntried = hasUntried
    expect(
      control(
        times(2, () => ({ refusing: [100, 0] })),
        made,
      ).rate,
    ).toBe(rate)
  })

  test('is proven by a second in which nearly all answered, not by a burst', () => {
    expect(control([{ open: [100, 100], endMs: 600 }]).provenRate).toBeCloseTo(100 / 0.6)
    const [burst, kept] = [600, 1400].map((endMs) => {
      const made = control([{ open: [900, 900], endMs }])
      made.evaluate(interval({ index: 2, startMs: endMs, endMs: endMs + 2000, first: [100, 0], chance: 0 }), 3, 0, true)
      return made.provenRate
    })
    expect(burst).toBeLessThan(kept ?? 0)
  })

  test('falls to a quarter when nothing is answered, and to what was delivered otherwise', () => {
    const lossy = (answered: number): RateControl =>
      control([{ open: [100, answered] }, { open: [100, answered] }], new RateControl())
    expect(lossy(0).rate).toBe(250)
    expect(lossy(60).rate).toBe(600)
  })

  test('falls to 30 % of what a queue serves while that drains', () => {
    const made = new RateControl()
    made.heedQueue({ kind: 'drain', servedRate: 500 }, 0)
    expect(made.rate).toBe(150)
  })

  test('makes sure of a heavy random loss at 40 % of the experiment’s rate', () => {
    const lossy = { open: [100, 60] } as const
    expect(control([lossy, lossy, lossy]).rate).toBe(600 * 0.4)
    expect(control([lossy, lossy, lossy, lossy]).rate).toBe(1000)
  })

  test('learns random loss from 30 expected answers on', () => {
    expect(control([{ open: [25, 24] }]).randomLoss).toBe(0)
    expect(control([{ open: [40, 38] }]).randomLoss).toBeGreaterThan(0)
  })

  test('learns it below a limit only after 60 reference probes there', () => {
    const made = (below: number): number => {
      const limited = new RateControl()
      limited.heedQueue({ kind: 'drain', servedRate: 10_000 }, 0)
      limited.heedQueue({ kind: 'drained', servedRate: 10_000 }, 0)
      return control([{ open: [below, below - 3] }], limited).randomLoss
    }
    expect(made(45)).toBe(0)
    expect(made(80)).toBeGreaterThan(0)
  })
})

describe('random loss', () => {
  function experiment(lost: number, originRate = 1000): RateExperiment {
    const made = new RateExperiment(originRate, originRate / 2, new RateSample(), 1, 0)
    made.add(interval({ open: [100, 100 - lost] }), all)
    return made
  }

  test('is remembered over 100 probes, and is at most 60 %', () => {
    const loss = new RandomLoss()
    loss.learn(sample(100, 90))
    expect(loss.chance).toBeCloseTo(0.05)
    expect(lostShare(sample(100, 0))).toBe(0.6)
  })

  test('above 15 % is not believed at once, but up to 1.2 times the rate at which loss was random', () => {
    expect(new RandomLoss().accept(experiment(20), true)).toBe(false)
    const loss = new RandomLoss()
    expect(loss.accept(experiment(10), true)).toBe(true)
    expect(loss.accept(experiment(30, 1300), true)).toBe(false)
    expect(loss.accept(experiment(30, 1150), true)).toBe(true)
  })
})

describe('the loss hypothesis', () => {
  function finding(one: IntervalCase, isLimited = false, count = 1): string {
    const hypothesis = new LossHypothesis(1)
    for (let each = 0; each < count; each++) hypothesis.add(interval(one), all)
    return hypothesis.finding(all, isLimited).kind
  }

  test.each<[string, IntervalCase, string]>([
    ['12 expected', { open: [12, 0] }, 'undecided'],
    ['20 expected', { open: [20, 0] }, 'loss'],
    ['4 open ports to compare', { open: [4, 4], refusing: [20, 0] }, 'undecided'],
    ['8 open ports to compare', { open: [8, 8], refusing: [20, 0] }, 'refusals-limited'],
    ['75 % of the open ports answer', { open: [8, 6], refusing: [20, 0] }, 'loss'],
    ['95 % of the open ports answer', { open: [20, 19], refusing: [20, 0] }, 'refusals-limited'],
    ['a few open ports of which 60 % answer', { open: [5, 3], refusing: [20, 0] }, 'loss'],
    ['2.8 deviations between open and refusing', { open: [20, 20], refusing: [20, 14] }, 'loss'],
    ['4.3 deviations between open and refusing', { open: [20, 20], refusing: [20, 10] }, 'refusals-limited'],
  ])('%s: %o is %s', (_, one, kind) => {
    expect(finding(one)).toBe(kind)
  })

  test.each<[string, IntervalCase, string]>([
    ['8 of each kind', { open: [8, 8], refusing: [8, 0] }, 'undecided'],
    ['16 of each kind', { open: [16, 16], refusing: [16, 0] }, 'refusals-limited'],
  ])('while a limit is known, %s', (_, one, kind) => {
    expect(finding(one, true)).toBe(kind)
  })

  test('is decided after 12 intervals', () => {
    expect(finding({ open: [1, 0] }, false, 9)).toBe('undecided')
    expect(finding({ open: [1, 0] }, false, 15)).toBe('loss')
  })
})

describe('the rate experiment', () => {
  const soonMs = 1000
  const overdueMs = 4000

  function experiment(before: Counts, after: readonly Counts[], rate = 500, fromRate = 1000): RateExperiment {
    const was = new RateSample()
    was.add(interval({ open: before }), all)
    const made = new RateExperiment(fromRate, rate, was, 1, 0)
    for (const open of after) made.add(interval({ open }), all)
    return made
  }

  test.each<[string, Counts, readonly Counts[], number, number, string]>([
    ['6 expected', [100, 50], [[6, 6]], 500, overdueMs, 'undecided'],
    ['10 expected', [100, 50], [[10, 10]], 500, overdueMs, 'limit'],
    ['10 expected, but soon', [100, 50], [[10, 10]], 500, 2000, 'undecided'],
    ['60 probes that tell nothing', [100, 90], [[60, 60]], 900, soonMs, 'undecided'],
    ['100 probes that tell nothing', [100, 90], [[100, 100]], 900, soonMs, 'limit'],
    ['2.9 deviations', [100, 25], [[40, 40]], 250, soonMs, 'undecided'],
    ['4.6 deviations', [400, 100], [[60, 60]], 250, soonMs, 'limit'],
    ['7 % as before', [100, 7], [[100, 7]], 500, soonMs, 'random'],
    ['3 % as before', [100, 3], [[100, 3]], 500, soonMs, 'limit-below'],
    ['none of 15', [100, 0], [[15, 0]], 500, soonMs, 'undecided'],
    ['none of 25', [100, 0], [[25, 0]], 500, soonMs, 'limit-below'],
    ['none of 25 at 200 a second', [100, 0], [[25, 0]], 200, soonMs, 'limit-below'],
    ['none of 25 at 100 a second', [100, 0], [[25, 0]], 100, soonMs, 'undecided'],
    ['none of 25 for too long', [100, 0], [[25, 0]], 100, overdueMs, 'unresponsive'],
    ['70 % of a limit', [400, 100], [[100, 70]], 250, soonMs, 'limit-below'],
    [
      'nothing, then 70 %, then all',
      [100, 0],
      [
        [10, 0],
        [10, 7],
        [10, 10],
      ],
      500,
      soonMs,
      'outage-over',
    ],
    [
      '15 %, then all',
      [100, 0],
      [
        [20, 3],
        [10, 8],
        [10, 10],
      ],
      500,
      soonMs,
      'outage-over',
    ],
    [
      '30 %, then all',
      [100, 30],
      [
        [20, 6],
        [10, 8],
        [10, 10],
      ],
      500,
      soonMs,
      'undecided',
    ],
  ])('%s', (_, before, after, rate, nowMs, result) => {
    expect(experiment(before, after, rate).result(nowMs)).toBe(result)
  })

  test('is over when half of what was missed came late', () => {
    const made = experiment([100, 80], [])
    expect(times(12, () => made.answeredLate(0))).toEqual(times(12, (index) => index >= 10))
  })

  test('counts first attempts where 80 % of them are answered', () => {
    expect([isSelfMeasuring(sample(100, 0, 0.7)), isSelfMeasuring(sample(100, 0, 0.9))]).toEqual([false, true])
  })
})

describe('a rate limit', () => {
  const dense = { first: [100, 100], chance: 1 } as const

  /** A limit of 1000 a second that was found at 0, after one interval. */
  function limit(one: IntervalCase = {}): RateLimit {
    const made = new RateLimit()
    made.found(1000, 0, 'loss')
    const seen = interval(one)
    made.add(seen, seen.sum('first', all), seen.sum('reference', all))
    return made
  }

  function grown(from: RateLimit, rate: number, endMs = 100): number {
    const seen = interval({ ...dense, endMs })
    return from.grown(rate, seen, seen.sum('first', all))
  }

  test('is trusted for 3 s, and twice as long the next time', () => {
    const made = limit()
    expect([2000, 4000].map((ms) => made.isDoubted(ms))).toEqual([false, true])
    made.trust(4000)
    expect([9000, 11_000].map((ms) => made.isDoubted(ms))).toEqual([false, true])
  })

  test('is kept to by a tenth where fewer than a third of the probes are answered', () => {
    expect(limit({ first: [100, 20], chance: 0.2 }).safeRate).toBe(900)
    expect(limit({ first: [100, 50], chance: 0.5 }).safeRate).toBeUndefined()
    expect(grown(limit({ first: [100, 20], chance: 0.2 }), 500)).toBe(900)
  })

  test('is refuted at 1.5 times its rate', () => {
    const [kept, refuted] = [limit(dense), limit(dense)]
    grown(kept, 1400)
    grown(refuted, 1600)
    expect([kept.rate, refuted.rate]).toEqual([1000, undefined])
  })

  test.each<[string, Counts, number, boolean]>([
    ['10 % of the latest 50 dropped', [50, 45], 1150, false],
    ['6 % of the latest 50 dropped', [50, 47], 1150, true],
    ['10 % dropped, but hardly above it', [50, 45], 1070, true],
  ])('%s: at %o of which, %d a second grows: %s', (_, first, rate, grows) => {
    expect(grown(limit({ first }), rate) > rate).toBe(grows)
  })

  test('is approached fast and passed slowly, by 30 % a second, and by 10 % at a time once it is doubted', () => {
    expect(grown(limit(dense), 600)).toBe(900)
    expect(grown(limit(dense), 1000)).toBeCloseTo(1030)
    expect(grown(limit(dense), 1000, 4000)).toBeCloseTo(1100)
  })

  test.each<[string, Counts, Counts, boolean | undefined]>([
    ['30 probes', [0, 0], [30, 30], undefined],
    ['50 probes, a tenth dropped', [0, 0], [50, 45], false],
    ['50 probes, a fifth dropped', [0, 0], [50, 40], true],
    ['as many dropped below it, of 15', [15, 12], [50, 40], true],
    ['as many dropped below it, of 30', [30, 24], [50, 40], false],
  ])('is asked again at 1.25 times its rate: %s', (_, below, above, holds) => {
    const made = limit({ open: below })
    const recheck = new LimitRecheck(made, 1, 0)
    expect(recheck.rate).toBe(1250)
    expect(recheck.add(interval({ open: above }), all)).toBe(holds)
  })

  test('that is a queue is watched for a second', () => {
    const queue = new RateLimit()
    queue.found(1000, 0, 'delay')
    const asked = (endMs: number) => new LimitRecheck(queue, 1, 0).add(interval({ open: [50, 50], endMs }), all)
    expect([asked(700), asked(1500)]).toEqual([undefined, false])
  })
})

describe('measurement intervals', () => {
  const rttMs = (state: HostState, ms: number): HostState => {
    for (let each = 0; each < 30; each++) state.rtt.sample(ms)
    return state
  }

  /** An estimator of one host that answers after `ms`, if at all. */
  function estimator(ms?: number) {
    const queue = new HostQueue(scanHosts(1), [1, 2, 3])
    const host = queue.next()
    if (host === undefined) throw new Error('no host')
    if (ms !== undefined) rttMs(host, ms)
    const control = new RateControl()
    const made = new Estimator(control, queue, 0)
    return {
      ...{ made, control, host },
      send: (count: number, chance: number): void => {
        for (let each = 0; each < count; each++) made.current.recordSent(0, 'open-reference', chance)
      },
      probe: (interval: MeasurementInterval): Probe => ({
        ...{ target: host, port: 1, purpose: 'open-reference', attempt: 1, timeoutMs: 1000, punctualMs: 1000 },
        ...{ interval, serial: 1, doubt: 1, failures: 0 },
      }),
    }
  }

  test.each<[number, number, number, boolean]>([
    [20, 0, 50, false],
    [30, 0, 50, true],
    [30, 0, 3, false],
    [30, 0, 7, true],
    [6, 1, 50, false],
    [10, 1, 50, true],
    [6, 1, 150, false],
    [6, 1, 250, true],
  ])('the first: %d probes, each with a chance of %d, after %d ms: over is %s', (count, chance, ageMs, isOver) => {
    const { made, send } = estimator()
    send(count, chance)
    made.advance(ageMs, ageMs)
    expect(made.current.index === 1).toBe(isOver)
  })

  test.each([
    [60, false],
    [140, true],
  ])('lasts half a round trip, but 100 ms at most: %d ms, over is %s', (ageMs, isOver) => {
    const { made, send, probe } = estimator(600)
    made.recordAnswer(probe(made.current), 600, 600, 1)
    send(20, 1)
    made.advance(ageMs, ageMs)
    expect(made.current.index === 1).toBe(isOver)
  })

  test.each([
    ['a host that answers at once', 1, 35, 10],
    ['a host that never answered', undefined, 250, 150],
  ])('are evaluated when answers should be in: %s', (_, ms, laterMs, earlierMs) => {
    const { made, send } = estimator(ms)
    const first = made.current
    send(30, 1)
    made.advance(10, 10)
    const isEvaluated = [earlierMs + 4, laterMs].map((sinceMs) => {
      made.advance(10 + sinceMs, 10 + sinceMs)
      made.advance(10 + sinceMs, 10 + sinceMs)
      return first.isEvaluated
    })
    expect(isEvaluated).toEqual([false, true])
  })

  test.each([
    [20, 18, 1000],
    [20, 19, 1500],
    [3, 3, 1000],
    [6, 6, 1500],
  ])('early acknowledgement: %d expected, %d come, then the rate is %d', (sent, answered, rate) => {
    const { made, control, send } = estimator(1)
    // Retries fill the first interval, and one of them keeps it from being complete.
    for (let each = 0; each < 30; each++) made.current.recordSent(0, 'retry', 0)
    send(sent, 1)
    for (let each = 0; each < answered; each++) made.current.recordAnswer(0, 'open-reference')
    made.advance(20, 20)
    expect(control.rate).toBe(rate)
  })

  test('is one of a growing queue when 4 answers came and all late', () => {
    const delayed = (count: number): boolean => {
      const made = interval({})
      for (let each = 0; each < count; each++) made.recordDelay(true)
      return made.isDelayed
    }
    expect([3, 5].map(delayed)).toEqual([false, true])
  })

  test.each([
    [40, false],
    [60, true],
  ])('an answer counts as late by a third of the 150 ms that nothing explains: %d ms is %s', (excessMs, isLate) => {
    const { made, probe } = estimator(10)
    const { current } = made
    for (let each = 0; each < 5; each++) made.recordAnswer(probe(current), 10 + excessMs, 1000, 1)
    expect(current.isDelayed).toBe(isLate)
  })
})

describe('the history of losses', () => {
  function history(cases: readonly IntervalCase[]): LossHistory {
    const made = new LossHistory()
    for (const one of cases) made.record(interval(one), all)
    return made
  }

  test.each<[string, readonly IntervalCase[], LossCount]>([
    [
      '6 probes: neighbours count',
      [
        { index: 10, open: [6, 3] },
        { index: 11, open: [10, 10] },
      ],
      { sent: 16, lost: 3 },
    ],
    [
      '10 probes: neighbours do not',
      [
        { index: 10, open: [10, 5] },
        { index: 11, open: [10, 10] },
      ],
      { sent: 10, lost: 5 },
    ],
    ['three intervals away', [{ index: 13, open: [10, 5] }], { sent: 10, lost: 5 }],
    ['six intervals away', [{ index: 16, open: [10, 5] }], { sent: 0, lost: 0 }],
  ])('of all hosts: %s', (_, cases, expected) => {
    expect(history(cases).around(10)).toEqual(expected)
  })

  test.each<[string, readonly (readonly [atMs: number, sent: number, lost: number])[], LossCount]>([
    [
      '12 of its own: more are looked for',
      [
        [1000, 12, 2],
        [1200, 12, 0],
      ],
      { sent: 24, lost: 2 },
    ],
    [
      '20 of its own are enough',
      [
        [1000, 20, 2],
        [1200, 12, 0],
      ],
      { sent: 20, lost: 2 },
    ],
    [
      'the nearest first',
      [
        [300, 20, 20],
        [1100, 20, 0],
      ],
      { sent: 20, lost: 0 },
    ],
    ['700 ms away', [[1700, 4, 1]], { sent: 4, lost: 1 }],
    ['1.4 s away', [[2400, 4, 1]], { sent: 0, lost: 0 }],
  ])('of one host: %s', (_, spans, expected) => {
    const log = new LossLog()
    for (const [atMs, sent, lost] of spans) log.add(atMs, atMs, sent, lost)
    expect(log.around(1000)).toEqual(expected)
  })

  test('of one host is kept in 128 spans of time, older ones together', () => {
    const log = new LossLog()
    for (let atMs = 0; atMs < 200_000; atMs += 1000) log.add(atMs, atMs, 20, 0)
    expect(log.spanCount).toBeGreaterThan(64)
    expect(log.spanCount).toBeLessThanOrEqual(128)
    log.addLost(100_000)
    expect(log.around(100_000).lost).toBe(1)
  })

  const none: LossCount = { sent: 0, lost: 0 }
  const known: LossCount = { sent: 1000, lost: 10 }
  test.each<[string, Partial<LossEvidence>, number, number]>([
    ['nothing at all is known', {}, 0.1, 0.2],
    ['nothing at all is known, again', { attempt: 2 }, 0.4, 0.65],
    ['others were heard', { all: { sent: 30, lost: 0 } }, 0.04, 0.06],
    ['others lost all', { all: { sent: 30, lost: 30 } }, 0.85, 1],
    [
      'its own were heard while others lost all',
      { own: { sent: 16, lost: 0 }, all: { sent: 30, lost: 30 }, usual: known },
      0,
      0.003,
    ],
    ['its own were lost, though it usually loses little', { own: { sent: 16, lost: 16 }, usual: known }, 0.75, 0.85],
    ['little is known: a second loss is likely', { own: { sent: 2, lost: 0 }, attempt: 2 }, 0.15, 0.25],
    [
      'much is known: a second loss is as unlikely as the first',
      { own: { sent: 16, lost: 0 }, usual: known, attempt: 2 },
      0,
      0.004,
    ],
    ['a limit found since would have dropped half', { own: { sent: 4, lost: 0 }, droppedShare: 0.5 }, 0.5, 0.5],
    ['a limit, but its own were heard', { own: { sent: 12, lost: 0 }, droppedShare: 0.5 }, 0, 0.05],
  ])('an attempt was lost, where %s', (_, evidence, atLeast, atMost) => {
    const chance = lossChance({
      attempt: 1,
      own: none,
      all: none,
      usual: { sent: 4, lost: 0.2 },
      droppedShare: 0,
      ...evidence,
    })
    expect(chance).toBeGreaterThanOrEqual(atLeast)
    expect(chance).toBeLessThanOrEqual(atMost)
  })
})

describe('queueing delay', () => {
  /** Answers one after the other; the number of the first that brings an advice, from 1. */
  function firstAdvice(gapMs: number): number {
    const queue = new QueueingDelay()
    const answer = (index: number): DelaySample => ({
      ...{ serial: index + 1, host: 0, sentMs: index * gapMs, excessMs: 300, unexplainedExcessMs: 150 },
    })
    return times(300, (index) => queue.record(answer(index), index * gapMs + 300, index)).findIndex(Boolean) + 1
  }

  test('is measured by windows of 16 answers that take 40 ms', () => {
    expect([firstAdvice(10), firstAdvice(1)]).toEqual([2 * 16, 2 * 41])
  })

  /** What is advised by windows after a drain was advised: each with when it was sent, and its excess delay. */
  function afterDrain(windows: readonly (readonly [sentMs: number, excessMs: number])[]) {
    const queue = new QueueingDelay()
    let serial = 0
    const window = (sentMs: number, excessMs: number) =>
      times(16, (index) => {
        const answer = { serial: ++serial, host: 0, sentMs: sentMs + index * 4, excessMs, unexplainedExcessMs: 150 }
        return queue.record(answer, answer.sentMs + excessMs, serial)
      }).find(Boolean)
    window(0, 300)
    expect(window(100, 300)?.kind).toBe('drain')
    return windows.map(([sentMs, excessMs]) => window(sentMs, excessMs)?.kind)
  }

  test.each<[string, readonly (readonly [number, number])[], readonly (string | undefined)[]]>([
    ['40 % of the excess is left', [[1000, 60]], [undefined]],
    ['20 % of the excess is left', [[1000, 30]], ['drained']],
    [
      'it falls by 15 % of the time',
      [
        [1000, 300],
        [1450, 300 - 68],
      ],
      [undefined, undefined],
    ],
    [
      'it falls by 7 % of the time',
      [
        [1000, 300],
        [1450, 300 - 31],
      ],
      [undefined, 'drain'],
    ],
    [
      'it does not fall for 300 ms',
      [
        [1000, 300],
        [1300, 300],
      ],
      [undefined, undefined],
    ],
    [
      'it does not fall for 500 ms',
      [
        [1000, 300],
        [1500, 300],
      ],
      [undefined, 'drain'],
    ],
  ])('a queue that is given time to drain: %s', (_, windows, advised) => {
    expect(afterDrain(windows)).toEqual(advised)
  })

  test('of less than 150 ms is none', () => {
    const rtt = new HostRtt()
    for (let each = 0; each < 30; each++) rtt.sample(10)
    expect(rtt.unexplainedExcessMs).toBe(150)
  })
})

describe('the state of a host', () => {
  test('is eight reference ports of a kind', () => {
    const ports = new ReferencePorts()
    for (let port = 1; port <= 40; port++) ports.add(port, new Random(1))
    expect(ports.size).toBe(8)
  })

  test.each([
    [4, 0.9, 3],
    [6, 0.9, 2],
    [6, 0.5, 3],
  ])('after %d misses while %d of all answer, %d reference ports are left', (misses, answering, left) => {
    const [host, references, control] = [hostState(), new ReferenceProbes(), new RateControl()]
    for (const port of [80, 81, 82]) references.add(host, port, 'open')
    const seen = interval({ open: [100, answering * 100] })
    const probe = { ...probeOf(host, seen), port: 80, purpose: 'open-reference' } as const
    for (let each = 0; each < misses; each++) references.settled(probe, false, control)
    // The last two are kept, however often they miss.
    for (let each = 0; each < misses; each++) references.settled({ ...probe, port: 81 }, false, control)
    expect(host.open.size).toBe(left)
  })

  test('knows its share of answering ports after 8 first attempts', () => {
    const [few, enough] = [hostState(), hostState()]
    few.learnAnswerShare(6, 3)
    enough.learnAnswerShare(10, 5)
    expect([few.answerShare, enough.answerShare]).toEqual([undefined, 0.5])
  })

  test('begins with a loss of one in twenty, as if four attempts had been made, and forgets after a thousand', () => {
    const host = hostState()
    expect(host.usualLoss(false)).toMatchObject({ sent: 4, lost: 0.2 })
    host.recordAnswer(3, true)
    expect(host.usualLoss(false)).toMatchObject({ sent: 7, lost: 2.2 })
    const old = hostState()
    for (const lost of [300, 0, 0]) old.recordInterval(...samples({ refusing: [600, 600 - lost] }))
    const { sent, lost } = old.usualLoss(false)
    expect(lost / sent).toBeCloseTo(150.1 / 1202)
  })

  test('is judged by its open ports where 16 attempts at them are known', () => {
    const usual = (count: number): number => {
      const host = hostState()
      host.recordInterval(...samples({ open: [count, count], refusing: [100, 0] }))
      return host.usualLoss(false).lost
    }
    expect([8, 24].map(usual)).toEqual([100.2, 0.2])
  })
})

/** An interval with what host 0 was sent in it. */
function samples(one: IntervalCase): [MeasurementInterval, HostSamples] {
  const made = interval(one)
  return [made, made.hosts.get(0) ?? new HostSamples()]
}

function probeOf(target: HostState, of: MeasurementInterval): Probe {
  return {
    ...{ target, port: 1, purpose: 'first', attempt: 1, timeoutMs: 1000, punctualMs: 1000 },
    ...{ interval: of, serial: 1, doubt: 1, failures: 0 },
  }
}

describe('reference probes', () => {
  function asking(): RateControl {
    const control = new RateControl()
    control.heedQueue({ kind: 'drain', servedRate: 500 }, 0)
    return control
  }

  function limited(): RateControl {
    const control = asking()
    control.heedQueue({ kind: 'drained', servedRate: 700 }, 0)
    return control
  }

  const lively = { open: [1, 1], first: [12, 12] } as const

  test.each<[string, RateControl, IntervalCase, number, number]>([
    ['while a question is open', asking(), lively, 0, 5],
    ['in an interval that has none', new RateControl(), { first: [12, 12] }, 0, 8],
    ['at 400 a second', new RateControl(400), lively, 0, 8],
    ['at 700 a second', new RateControl(700), lively, 0, 100],
    ['while 6 answers are expected', new RateControl(), { open: [1, 1], first: [5, 5] }, 0, 20],
    ['while 12 answers are expected', new RateControl(), { open: [1, 1], first: [11, 11] }, 0, 100],
    ['near a limit', limited(), lively, 0, 20],
    ['where 70 % of the ports answer', new RateControl(), { first: [12, 12] }, 0.7, 8],
    ['where 90 % of the ports answer', new RateControl(), { first: [12, 12] }, 0.9, 100],
  ])('%s', (_, control, one, answerShare, perProbes) => {
    const [host, references, seen] = [hostState(), new ReferenceProbes(), interval(one)]
    if (answerShare > 0) host.learnAnswerShare(100, answerShare * 100)
    references.add(host, 80, 'open')
    const probe = probeOf(host, seen)
    const drawn = times(20_000, () => {
      references.sent(probe, control, 0)
      return references.next(control)
    }).filter(Boolean).length
    expect(drawn * perProbes).toBeGreaterThan(20_000 * 0.8)
    expect(drawn * perProbes).toBeLessThan(20_000 * 1.2)
  })
})

describe('contradictory ports', () => {
  test('are asked twice, 64 hosts of them, after pauses of 250 and 500 ms', () => {
    const ports = new ContradictoryPorts()
    for (let number = 0; number < 200; number++) ports.refused(hostState(number), 80)
    const asked: number[] = []
    for (let nowMs = 0; nowMs <= 5000; nowMs += 50)
      while (ports.next(nowMs) !== undefined) {
        ports.settled()
        asked.push(nowMs)
      }
    expect([...new Set(asked)]).toEqual([250, 750])
    expect(asked).toHaveLength(2 * 64)
    expect(ports.isSettled).toBe(true)
  })
})

describe('host liveness', () => {
  test.each([
    [12, 4000, 'responsive'],
    [20, 4000, 'silent'],
    [20, 2000, 'responsive'],
  ])('%d misses, and nothing heard for %d ms: %s', (misses, nowMs, liveness) => {
    const host = hostState()
    const watch = new HostLiveness(0, () => undefined)
    for (let each = 0; each < misses; each++) watch.missed(host, nowMs)
    expect(host.liveness).toBe(liveness)
  })

  test('a silent host is asked every 250 ms, and given up after 40 s', () => {
    const host = hostState()
    host.open.add(80, new Random(1))
    const watch = new HostLiveness(0, () => undefined)
    for (let each = 0; each < 40; each++) watch.missed(host, 10_000)
    const asked = [10_000, 10_200, 10_300].map((nowMs) => watch.next(nowMs)?.port)
    expect(asked).toEqual([80, undefined, 80])
    const states = [30_000, 50_000].map((nowMs) => {
      watch.advance(nowMs)
      return host.liveness
    })
    expect(states).toEqual(['silent', 'gone'])
  })
})

describe('a path that is down', () => {
  test('is given 16 s, in which nothing is sent but whether a host is back', () => {
    const ports = times(20_000, (index) => index + 1)
    const whole = { hosts: scanHosts(2), ports, concurrency: 16_384, rate: 100 }
    const made = new ProbeScheduler(
      whole,
      0,
      () => undefined,
      () => undefined,
    )
    const sentMs: number[] = []
    const silences: [Probe, number][] = []
    for (let nowMs = 0; nowMs < 30_000; nowMs += 20) {
      while ((silences[0]?.[1] ?? nowMs) < nowMs - 500) {
        const [probe] = silences.shift() ?? []
        if (probe !== undefined) made.settled(probe, { kind: 'silence' }, nowMs)
      }
      made.advance(nowMs)
      for (let probe = made.next(nowMs); probe !== undefined; probe = made.next(nowMs)) {
        if (probe.purpose !== 'liveness') sentMs.push(nowMs)
        if (nowMs < 2000 && probe.target.number === 0)
          made.settled(probe, { kind: 'answer', is: 'open', rttMs: 20 }, nowMs)
        else silences.push([probe, nowMs])
      }
    }
    const pauses = sentMs.map((ms, index) => ms - (sentMs[index - 1] ?? 0))
    expect(Math.max(...pauses)).toBeGreaterThan(15_000)
    expect(Math.max(...pauses)).toBeLessThan(17_500)
  })
})

describe('timeouts', () => {
  function known(ms: number): HostRtt {
    const rtt = new HostRtt()
    for (let each = 0; each < 30; each++) rtt.sample(ms)
    return rtt
  }

  test('are three seconds at most for a host that is known to be far', () => {
    const rtt = new HostRtt()
    expect([2000, 2000, 2000].map((ms) => rtt.sample(ms))).toEqual([false, false, true])
    expect([rtt.expectedMs, rtt.maxTimeoutMs]).toEqual([6000, 3000])
  })

  test.each([
    [100, 150],
    [600, 300],
  ])('of a host %d ms away, %d ms of delay are not explained by jitter', (ms, unexplainedMs) => {
    expect(known(ms).unexplainedExcessMs).toBe(unexplainedMs)
  })

  test('an answer after 950 ms may be to the second SYN', () => {
    expect([960, 940].map((ms) => new HostRtt().sample(ms))).toEqual([false, true])
  })

  test('eight such answers in a row are believed of a host that used to answer at once', () => {
    const rtt = known(20)
    expect(times(9, () => rtt.sample(1300))).toEqual(times(9, (index) => index >= 7))
  })

  test.each([
    [16_384, 700, 950],
    [16_384, 1500, 100],
    [400, 70, 950],
    [400, 150, 100],
  ])('of %d attempts at a time, %d under way: a first attempt waits %d ms', (concurrency, inFlight, waitsMs) => {
    expect(new TimeoutPolicy(undefined).ofPort(1, known(1), inFlight, concurrency, 60_000)).toBe(waitsMs)
  })
})

describe('first attempts where there is no hurry', () => {
  test('wait for two fifths of the time that all others take', () => {
    expect(new TimeoutPolicy(undefined).ofPort(1, new HostRtt(), 10, 16_384, 1000)).toBe(1000)
    const near = new HostRtt()
    near.sample(1)
    expect(new TimeoutPolicy(undefined).ofPort(1, near, 10, 16_384, 1000)).toBe(400)
  })
})

describe('back-off for want of resources', () => {
  test('takes a tenth of the capacity, down to 4, and gives it back by one in 200 successes', () => {
    const backOff = new ResourceBackOff(1000)
    backOff.shortage(100, 0)
    expect(backOff.capacity).toBe(90)
    for (let each = 0; each < 405; each++) backOff.succeeded()
    expect(backOff.capacity).toBe(92)
    backOff.shortage(1, 1000)
    expect(backOff.capacity).toBe(4)
  })

  test('pauses for 10 ms, then longer, 250 ms at most', () => {
    const backOff = new ResourceBackOff(1000)
    backOff.shortage(100, 0)
    expect([8, 12].map((ms) => backOff.isPausing(ms))).toEqual([true, false])
    for (let nowMs = 1000; nowMs <= 10_000; nowMs += 1000) backOff.shortage(100, nowMs)
    expect([10_200, 10_300].map((ms) => backOff.isPausing(ms))).toEqual([true, false])
  })

  test('lets a port outlast 20 shortages, and none once 20 in a row have passed', () => {
    const backOff = new ResourceBackOff(1000)
    const retries = times(25, (index) => {
      backOff.shortage(100, index * 1000)
      return backOff.retries
    })
    expect(retries).toEqual(times(25, (index) => (index < 20 ? 20 : 0)))
  })
})

describe('the scheduler', () => {
  function scheduler(plan: Partial<PacingPlan>, giveUp: () => void = () => undefined): ProbeScheduler {
    const whole = { hosts: scanHosts(1), ports: [1], concurrency: 16_384, ...plan }
    return new ProbeScheduler(whole, 0, giveUp, () => undefined)
  }

  test.each([
    [1000, 24],
    [100, 6],
  ])('at %d a second it sends %d probes at once', (rate, atOnce) => {
    const made = scheduler({ rate, ports: times(100, (index) => index + 1) })
    expect(times(100, () => made.next(0)).filter(Boolean)).toHaveLength(atOnce)
  })

  test.each([
    ['a host that loses next to nothing', 996, 0, 2],
    ['a host that loses 6 %', 96, 6, 2],
    ['a host that loses 9 %', 96, 9, 2],
    ['a host that loses 13 %', 96, 13, 3],
  ])('tries a silent port of %s (%d probes, %d lost) %d times', (_, sent, lost, attempts) => {
    const made = scheduler({})
    let count = 0
    for (let nowMs = 0; !made.isDone && nowMs < 100_000; nowMs += 1000) {
      made.advance(nowMs)
      const probe = made.next(nowMs)
      if (probe === undefined) continue
      if (++count === 1) probe.target.recordInterval(...samples({ open: [sent, sent - lost] }))
      made.settled(probe, { kind: 'silence' }, nowMs)
    }
    expect(count).toBe(attempts)
  })

  /** What is asked of the hosts by a scan in which, at most, `isAnswering` is heard. */
  function inTheDark(hosts: number, ports: number, isAnswering: (host: number, port: number) => boolean) {
    const made = scheduler({ hosts: scanHosts(hosts), ports: times(ports, (index) => index + 1), rate: 100_000 })
    const attempts = new Map<string, number>()
    let nowMs = 0
    for (; !made.isDone && nowMs < 30_000; nowMs += 20) {
      made.advance(nowMs)
      for (let probe = made.next(nowMs); probe !== undefined; probe = made.next(nowMs)) {
        const { target, port, attempt } = probe
        attempts.set(`${target.number}:${port}`, attempt)
        const isOpen = isAnswering(target.number, port)
        made.settled(probe, isOpen ? { kind: 'answer', is: 'open', rttMs: 20 } : { kind: 'silence' }, nowMs)
      }
    }
    return { made, counts: [...attempts.values()], nowMs }
  }
  const nobody = (): boolean => false

  test.each([
    [800, 3, 700],
    [1200, 3, 200],
    [1200, 2, 900],
  ])(
    'of a host that is never heard asks 16 ports for 4 s, of the others of %d ports, %d times, %d',
    (count, asked, some) => {
      const { made, counts, nowMs } = inTheDark(1, count, nobody)
      const askedSoOften = counts.filter((one) => one === asked).length
      expect(askedSoOften).toBeGreaterThanOrEqual(some)
      expect(askedSoOften).toBeLessThan(some + 100)
      expect(counts.filter((one) => one >= 5)).toHaveLength(16)
      expect(nowMs).toBeGreaterThan(3500)
      expect(nowMs).toBeLessThan(5000)
      expect(made.evidence[0]).toMatchObject({ silent: count, doubt: 'unheard' })
      expect(made.expectedMissed).toBeGreaterThanOrEqual(0.05)
    },
  )

  test('a host that is never heard while another answers is asked for ten seconds', () => {
    const { counts, nowMs } = inTheDark(2, 3000, (host, port) => host === 0 && port < 40)
    expect(nowMs).toBeGreaterThan(9000)
    expect(nowMs).toBeLessThan(11_500)
    // At 100 a second, until the answers are due.
    const again = counts.filter((one) => one >= 3).length
    expect(again).toBeGreaterThan(700)
    expect(again).toBeLessThan(1000)
  })

  test('hosts that are never heard are asked at 1,000 a second in all', () => {
    const { counts } = inTheDark(20, 1200, nobody)
    const again = counts.filter((one) => one === 3).length
    expect(again).toBeGreaterThan(1200)
    expect(again).toBeLessThan(1900)
  })

  test('waits longer and longer with ports that are silent while all is lost', () => {
    const made = scheduler({ ports: times(20, (index) => index + 1), rate: 1000 })
    let last = 0
    for (let nowMs = 0; nowMs < 8000; nowMs += 20) {
      made.advance(nowMs)
      for (let probe = made.next(nowMs); probe !== undefined; probe = made.next(nowMs)) {
        const isHeard = probe.port === 1 && probe.purpose === 'first'
        made.settled(probe, isHeard ? { kind: 'answer', is: 'open', rttMs: 1 } : { kind: 'silence' }, nowMs)
        last = Math.max(last, probe.attempt)
      }
    }
    expect(last).toBeGreaterThanOrEqual(4)
    expect(last).toBeLessThan(8)
  })

  test('gives up 512 silent ports in one call', () => {
    let given = 0
    const made = scheduler({ retries: 0, rate: 100_000, ports: times(2000, (index) => index + 1) }, () => given++)
    const probes = times(2000, () => made.next(0)).concat(times(2000, () => made.next(1000)))
    for (const probe of probes) if (probe !== undefined) made.settled(probe, { kind: 'silence' }, 1000)
    expect(probes.filter(Boolean)).toHaveLength(2000)
    expect(made.next(2000)).toBeUndefined()
    expect(given).toBe(512)
  })

  test('lets our own system fail five times at a port, other than for want of resources', () => {
    const made = scheduler({})
    const ends = times(7, (index) => {
      const probe = made.next(index * 1000)
      return probe && made.settled(probe, { kind: 'local', shortage: false }, index * 1000)
    })
    expect(ends).toEqual([false, false, false, false, false, true, undefined])
  })

  test.each([
    [10_000, 1, 4096],
    [50, 65_535, 7],
  ])('of %d hosts with %d ports each it takes up %d', (hosts, ports, taken) => {
    const queue = new HostQueue(
      scanHosts(hosts),
      times(ports, (index) => index + 1),
    )
    expect(queue.isDone).toBe(false)
    expect(queue.activeCount).toBe(taken)
  })
})

describe('the time that a scan may take', () => {
  /** A host of which a hundred ports were tried, and answered or not; the last of them is not settled. */
  function hostOf(answered: number): HostState {
    const host = new HostState({ address: '0', family: 4 }, 0, new Uint16Array(101))
    host.cursor = 100
    host.unresolved = 101 - answered
    return host
  }

  // 100 probes at 100 a second are a second, 200 are two; two attempts wait for a second each (RFC 6298).
  test.each([
    ['all answer', 100, 13_900, 14_300],
    ['none answers', 0, 15_800, 16_200],
  ])('is twice the ideal as it seems and eight seconds: %s', (_, answered, inTimeMs, lateMs) => {
    const path = { rate: 100, capacity: 1000, openCount: 1 }
    const isSpent = (nowMs: number): boolean => new TimeBudget(0).isSpent(nowMs, false, [hostOf(answered)], path)
    expect([isSpent(inTimeMs), isSpent(lateMs)]).toEqual([false, true])
  })

  test('does not count the wait for a host that fell silent, and is judged four times a second', () => {
    const budget = new TimeBudget(0)
    const path = { rate: 1000, capacity: 1000, openCount: 1 }
    expect(budget.isSpent(40_000, true, [hostOf(100)], path)).toBe(false)
    expect(budget.isSpent(60_000, false, [hostOf(100)], path)).toBe(true)
    const other = new TimeBudget(0)
    expect(other.isSpent(8_100, false, [hostOf(0)], path)).toBe(false)
    expect(other.isSpent(8_300, false, [], path)).toBe(false)
    expect(other.isSpent(8_400, false, [], path)).toBe(true)
  })
})
