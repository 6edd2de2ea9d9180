import type { HostSamples, MeasurementInterval, ReadonlyLossSample } from './interval.ts'
import { LossSample } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'

/*
 * Answers are missing: why? Three questions are asked one after the other, each by sending more reference probes (to ports that are
 * known to answer) until the answer is statistically significant.
 *
 * 1. Is anything lost at all? Silence alone proves nothing: ports may be filtered, and a host may limit its refusals (RSTs, or ICMP
 *    errors by RFC 1812, 4.3.2.8) while its open ports answer. `LossHypothesis` compares open and refusing reference ports of each host.
 * 2. Does the loss depend on the rate? `RateExperiment` lowers the rate and predicts from both explanations how many answers come: under
 *    random loss the same share of probes is answered as before, under a rate limit the same number per second.
 * 3. How high is the random loss? `RandomLoss` keeps it, as later intervals are measured against it.
 */

/** Tells of a host, by its number, whether its refusals mean anything. */
export type RefusalsCount = (host: number) => boolean

/** Hosts whose silence has a reason of its own, by their numbers. */
export class SilentHosts {
  readonly #refusalsIgnored = new Set<number>()
  readonly #unresponsive = new Set<number>()

  /** Hosts whose open ports answer while their refusals go missing: they limit RSTs or ICMPs, and the path is free. */
  get refusalsIgnored(): ReadonlySet<number> {
    return this.#refusalsIgnored
  }

  /** Hosts that answered and then stopped altogether: what was asked since proves nothing. */
  get unresponsive(): ReadonlySet<number> {
    return this.#unresponsive
  }

  readonly refusalsCount: RefusalsCount = (host) => !this.#refusalsIgnored.has(host)

  ignoreRefusals(hosts: Iterable<number>): void {
    for (const host of hosts) this.#refusalsIgnored.add(host)
  }

  stoppedAnswering(hosts: Iterable<number>): void {
    for (const host of hosts) this.#unresponsive.add(host)
  }

  /** A host answered, so that it is not unresponsive. */
  heard(host: number): void {
    this.#unresponsive.delete(host)
  }
}

/** What was sent at one rate and what came back; first attempts and reference probes apart, as they are answered differently often. */
export class RateSample {
  readonly first = new LossSample()
  readonly reference = new LossSample()

  add(interval: MeasurementInterval, refusalsCount: RefusalsCount): void {
    this.first.add(interval.sum('first', refusalsCount))
    this.reference.add(interval.sum('reference', refusalsCount))
  }

  /** The share of the expected answers that came; first attempts count where nearly all ports answer. */
  get deliveredShare(): number {
    if (!isSelfMeasuring(this.first)) return this.reference.deliveredShare
    const both = new LossSample()
    both.add(this.first)
    both.add(this.reference)
    return both.deliveredShare
  }
}

/** Nearly all first attempts are answered, so that they measure the path as well as reference probes do. */
export function isSelfMeasuring(first: ReadonlyLossSample): boolean {
  return first.expected > first.sent * limits.host.selfMeasuringShare
}

/** What a `LossHypothesis` came to. */
export type LossFinding =
  | { readonly kind: 'undecided' }
  /** The reference ports do answer: fewer of the new ports do, and that is all. */
  | { readonly kind: 'no-loss' }
  /** These hosts answer from open ports and limit their refusals; without them nothing is missing. */
  | { readonly kind: 'refusals-limited'; readonly hosts: readonly number[] }
  /** Probes or answers are lost. `open`: whether open ports were probed, and if so whether theirs are missing too. */
  | { readonly kind: 'loss'; readonly open: 'not-probed' | 'too-few' | 'missing' }

/**
 * Fewer answers came than expected. Before the rate suffers, ports that are known to answer are probed again: silence alone is never
 * taken for loss, and a host whose open ports still answer only limits its refusals.
 */
export class LossHypothesis {
  readonly sinceInterval: number
  readonly sample = new RateSample()
  readonly #hosts = new Map<number, { readonly open: LossSample; readonly refusing: LossSample }>()
  #intervals = 0

  /** Judges by intervals from `sinceInterval` on: those in which more reference probes were sent. */
  constructor(sinceInterval: number) {
    this.sinceInterval = sinceInterval
  }

  add(interval: MeasurementInterval, refusalsCount: RefusalsCount): void {
    this.#intervals++
    this.sample.add(interval, refusalsCount)
    for (const [host, samples] of interval.hosts) this.#addHost(host, samples)
  }

  #addHost(host: number, { open, refusing }: HostSamples): void {
    const sum = this.#hosts.get(host) ?? { open: new LossSample(), refusing: new LossSample() }
    sum.open.add(open)
    sum.refusing.add(refusing)
    this.#hosts.set(host, sum)
  }

  /** `isLimited`: a rate limit of the path is known, and may explain a difference between open and refusing ports. */
  finding(refusalsCount: RefusalsCount, isLimited: boolean): LossFinding {
    const { minCompared, minComparedAtLimit, minExpected } = limits.hypothesis
    const limitingHosts: number[] = this.#limitingTogether(refusalsCount, isLimited ? minComparedAtLimit : minCompared)
    const all = new LossSample()
    const allOpen = new LossSample()
    const withoutLimited = new LossSample()
    for (const [host, { open, refusing }] of this.#hosts) {
      all.add(open)
      allOpen.add(open)
      withoutLimited.add(open)
      if (!refusalsCount(host)) continue
      all.add(refusing)
      const isLimiting = limitsRefusals(open, refusing, isLimited ? minComparedAtLimit : minCompared)
      if (isLimiting && !limitingHosts.includes(host)) limitingHosts.push(host)
      if (!isLimiting && !limitingHosts.includes(host)) withoutLimited.add(refusing)
    }
    if (limitingHosts.length > 0 && !withoutLimited.showsLoss) return { kind: 'refusals-limited', hosts: limitingHosts }
    if (all.expected < minExpected && !this.#isOverdue) return { kind: 'undecided' }
    if (!all.showsLoss) return { kind: 'no-loss' }
    if (this.#mayYetDiffer(refusalsCount)) return { kind: 'undecided' }
    return { kind: 'loss', open: allOpen.showsLoss ? 'missing' : allOpen.sent < minCompared ? 'not-probed' : 'too-few' }
  }

  /** Hosts whose open ports answer and whose refusals go missing: each has been asked too little to tell, but all of them together tell. */
  #limitingTogether(refusalsCount: RefusalsCount, minCompared: number): number[] {
    const { openMinShare } = limits.hypothesis
    const together = { open: new LossSample(), refusing: new LossSample() }
    const hosts: number[] = []
    for (const [host, { open, refusing }] of this.#hosts) {
      const isAlike = open.sent > 0 && open.deliveredShare >= openMinShare && refusing.deliveredShare < openMinShare
      if (!isAlike || refusing.sent === 0 || !refusalsCount(host)) continue
      together.open.add(open)
      together.refusing.add(refusing)
      hosts.push(host)
    }
    return limitsRefusals(together.open, together.refusing, minCompared) ? hosts : []
  }

  get #isOverdue(): boolean {
    return this.#intervals >= limits.hypothesis.maxIntervals
  }

  /** Some host's open ports were too few to compare with its refusing ones: they are given the time. */
  #mayYetDiffer(refusalsCount: RefusalsCount): boolean {
    if (this.#isOverdue) return false
    const { minExpected, openMayDifferShare } = limits.hypothesis
    for (const [host, { open, refusing }] of this.#hosts) {
      const isTooFew = open.sent > 0 && open.sent < minExpected && open.deliveredShare > openMayDifferShare
      if (isTooFew && refusing.showsLoss && refusalsCount(host)) return true
    }
    return false
  }
}

/** Open ports answer, the others significantly less often (two-proportion test; the 0.001 stands for shares of 0 and 1). */
function limitsRefusals(open: ReadonlyLossSample, refusing: ReadonlyLossSample, minCompared: number): boolean {
  const { openMinShare, significantDeviations } = limits.hypothesis
  if (!refusing.showsLoss || Math.min(open.sent, refusing.sent) < minCompared) return false
  if (open.deliveredShare < openMinShare) return false
  const share = refusing.deliveredShare
  const deviation = Math.sqrt((share * (1 - share)) / open.sent + 0.001)
  return open.deliveredShare - share > significantDeviations * deviation
}

/** What a `RateExperiment` came to. */
export type ExperimentResult =
  | 'undecided'
  /** The loss is gone: the path or the host lets through so much and no more. */
  | 'limit'
  /** Nothing came, and then all: an outage has ended. */
  | 'outage-over'
  /** Less is lost than before, but still too much. */
  | 'limit-below'
  /** As much is lost as before. */
  | 'random'
  /** Nothing at all has come back for longer than an outage lasts. */
  | 'unresponsive'
  /** Nearly nothing: no path is that narrow; it is refusals that are all but forbidden. */
  | 'refusals-forbidden'

/** The rate was lowered because answers went missing. Do fewer go missing now? */
export class RateExperiment {
  readonly fromRate: number
  /** The rate before the first of several experiments. */
  readonly originRate: number
  readonly rate: number
  /** Intervals before this one were sent at the old rate. */
  readonly sinceInterval: number
  readonly before: RateSample
  readonly after = new RateSample()
  readonly hosts = new Set<number>()
  readonly #sinceMs: number
  /** What the latest intervals brought that lost next to nothing. */
  #recovered = new LossSample()
  #late = 0

  /** `before` was measured at `fromRate`; from the interval `sinceInterval` on, begun at `sinceMs`, `rate` is sent. */
  constructor(
    fromRate: number,
    rate: number,
    before: RateSample,
    sinceInterval: number,
    sinceMs: number,
    originRate = fromRate,
  ) {
    this.fromRate = fromRate
    this.originRate = originRate
    this.rate = rate
    this.before = before
    this.sinceInterval = sinceInterval
    this.#sinceMs = sinceMs
  }

  /** The same question again, from this experiment's rate to a still lower one. */
  repeated(rate: number, sinceInterval: number, sinceMs: number): RateExperiment {
    return new RateExperiment(this.rate, rate, this.after, sinceInterval, sinceMs, this.originRate)
  }

  add(interval: MeasurementInterval, refusalsCount: RefusalsCount): void {
    this.after.add(interval, refusalsCount)
    const reference = interval.sum('reference', refusalsCount)
    if (reference.deliveredShare < limits.experiment.recoveredShare) this.#recovered = new LossSample()
    this.#recovered.add(reference)
    for (const host of interval.hosts.keys()) this.hosts.add(host)
  }

  /** An answer of an evaluated interval came after all. True: so many did that the path only became slower. */
  answeredLate(interval: number): boolean {
    if (interval <= this.sinceInterval) this.#late++
    return this.#late > this.before.reference.missing * limits.experiment.lateShare
  }

  /** Nothing at all came before: no limit looks like that. */
  get wasOutage(): boolean {
    return this.before.reference.deliveredShare < limits.experiment.nothingShare
  }

  result(nowMs: number): ExperimentResult {
    const bounds = limits.experiment
    const { reference } = this.after
    if (reference.expected < bounds.minExpected) return 'undecided'
    // At the old rate a limit would have let through a part; nothing came, and now all does.
    const isBack = this.wasOutage && reference.deliveredShare >= bounds.recoveredShare
    if (isBack || this.#hasRecovered) return 'outage-over'
    const isOverdue = nowMs - this.#sinceMs >= limits.liveness.outageMs
    if (reference.deliveredShare < bounds.nothingShare) {
      // A limit far below; or an outage, which is waited out once the rate is so low that no limit would do it.
      if (this.rate > bounds.outageRate)
        return reference.expected >= bounds.nothingMinExpected ? 'limit-below' : 'undecided'
      if (!isOverdue) return 'undecided'
      return reference.answered === 0 ? 'unresponsive' : 'refusals-forbidden'
    }
    const ifRandom = this.#expected(1)
    const ifLimit = this.#expected(this.fromRate / this.rate)
    const before = this.before.reference.answered + this.before.first.answered
    // Poisson noise of what comes now, and of the measurement before that is scaled up to predict it.
    const deviation = Math.sqrt(ifLimit + ifLimit ** 2 / Math.max(1, before))
    const isSignificant = ifLimit - ifRandom > bounds.significantDeviations * deviation
    if (!isSignificant && reference.sent < bounds.maxProbes && !isOverdue) return 'undecided'
    const answered = reference.answered + this.after.first.answered
    if (answered < (ifRandom + ifLimit) / 2) return 'random'
    return reference.deliveredShare > bounds.limitMinShare ? 'limit' : 'limit-below'
  }

  get #hasRecovered(): boolean {
    const { minExpected, beforeRecoveryMaxShare } = limits.experiment
    const { reference } = this.after
    const sent = reference.sent - this.#recovered.sent
    const answered = reference.answered - this.#recovered.answered
    return this.#recovered.expected >= minExpected && sent >= minExpected && answered < sent * beforeRecoveryMaxShare
  }

  /** Answers to be expected now if each probe is `factor` times as likely to be answered as before. */
  #expected(factor: number): number {
    const one = (kind: 'first' | 'reference'): number => {
      const before = this.before[kind]
      return before.sent === 0 ? 0 : this.after[kind].sent * Math.min(1, (before.answered / before.sent) * factor)
    }
    return one('first') + one('reference')
  }
}

/** The chance that a probe or its answer is lost whatever the rate. */
export class RandomLoss {
  #chance = 0
  /** Up to this rate, loss was seen to be random. */
  #provenRate = 0

  get chance(): number {
    return this.#chance
  }

  /** Reference probes of the latest intervals; none that a known limit dropped. A moving average, weighed by their number. */
  learn(reference: ReadonlyLossSample): void {
    const weight = reference.sent / (reference.sent + limits.randomLoss.memoryProbes)
    this.#chance += (lostShare(reference) - this.#chance) * weight
  }

  /**
   * An experiment went as random loss would. False: the loss is too heavy to be believed after one experiment, and it can be repeated.
   */
  accept({ originRate, fromRate, after }: RateExperiment, canRepeat: boolean): boolean {
    const { doubtfulShare, provenRateFactor } = limits.randomLoss
    const loss = lostShare(after.reference)
    const isFirst = originRate === fromRate
    if (canRepeat && isFirst && loss > doubtfulShare && originRate > this.#provenRate) return false
    this.#provenRate = Math.max(this.#provenRate, originRate * provenRateFactor)
    this.#chance = loss
    return true
  }
}

/** The share of reference probes that was lost, within reason. */
export function lostShare({ lost, sent }: ReadonlyLossSample): number {
  return Math.min(lost / sent, limits.randomLoss.maxShare)
}
