import { LossSample, type MeasurementInterval } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { LossHypothesis, lostShare, RandomLoss, RateExperiment, type RateSample, SilentHosts } from './loss-analysis.ts'
import type { QueueAdvice } from './queueing-delay.ts'
import { LimitRecheck, RateLimit } from './rate-limit.ts'

/*
 * Congestion control for probes. Like TCP it grows the rate while everything expected is answered (slow start, a factor of 1.5 each
 * interval) and cuts it when answers go missing; unlike TCP it must not take silence for loss, as most ports are silent for good. So it is
 * a state machine over measurement intervals, as PCC's (NSDI 2015): in the open state it watches; significant loss opens a loss
 * hypothesis; loss that is confirmed lowers the rate and starts a rate experiment; its result is a rate limit, random loss, an outage that
 * is over, or a host that stopped answering. A known limit is rechecked from time to time, and queueing delay overrides all of it.
 * At most one question is open at a time, and while one is, nothing else is learned.
 */

/** Decides the rate of sending by what each measurement interval shows. */
export class RateControl {
  readonly silentHosts = new SilentHosts()
  /** There are ports that were never tried. */
  hasUntried = true
  #hasOpenLoss = false
  #rate: number
  readonly #fixed: number | undefined
  readonly #randomLoss = new RandomLoss()
  readonly #limit = new RateLimit()
  #highestRate: number = limits.rate.minRate
  /** The rate after hosts came back, and when that was. */
  #restartRate = limits.rate.initialRate / limits.rate.restartFactor
  #restartedMs = Number.NEGATIVE_INFINITY
  #sustainedRate = 0
  #sustained = new LossSample()
  #sustainedSent = 0
  #sustainedSinceMs = 0
  #hypothesis: LossHypothesis | undefined
  #experiment: RateExperiment | undefined
  #recheck: LimitRecheck | undefined
  /** The rate before a queue on the way was given time to drain. */
  #drainedFrom: number | undefined
  /** The rate before it was lowered without any open port to probe: perhaps only refusals are limited. */
  #loweredUnverified: number | undefined
  /** What the latest intervals showed together, until it is enough to judge by. */
  #first = new LossSample()
  #reference = new LossSample()

  /** `fixed`: the rate that was asked for by hand; the path is watched all the same. */
  constructor(fixed?: number) {
    this.#fixed = fixed
    this.#rate = fixed ?? limits.rate.initialRate
  }

  /** Probes per second. */
  get rate(): number {
    return this.#fixed ?? this.#rate
  }

  /** The chance that a probe or its answer is lost whatever the rate. */
  get randomLoss(): number {
    return this.#randomLoss.chance
  }

  /** Probes per second that the path or a host was seen to let through, while that is the bound. */
  get limit(): number | undefined {
    return this.#limit.rate
  }

  /** The highest rate that is known to work: the limit's, or one that was kept up with next to no loss; else the highest so far. */
  get provenRate(): number {
    if (this.#fixed !== undefined) return this.#fixed
    const rate = Math.max(this.#sustainedRate, this.limit ?? 0)
    return rate > 0 ? rate : this.#highestRate
  }

  /** Was this rate kept up for long enough that no burst which a limiter allows explains it? */
  #noteSustained(interval: MeasurementInterval): void {
    const { minExpected, sustainedMs, growthMinDeliveredShare } = limits.rate
    if (this.#sustained.sent === 0) this.#sustainedSinceMs = interval.startMs
    this.#sustained.add(interval.sum('reference', this.silentHosts.refusalsCount))
    this.#sustainedSent += interval.sent
    const spanMs = interval.endMs - this.#sustainedSinceMs
    if (spanMs < sustainedMs || this.#sustained.expected < minExpected) return
    if (this.#sustained.answered > this.#sustained.sent * growthMinDeliveredShare)
      this.#sustainedRate = Math.max(this.#sustainedRate, (this.#sustainedSent * 1000) / spanMs)
    this.#sustained = new LossSample()
    this.#sustainedSent = 0
  }

  /** A question is open that reference probes answer; what is seen meanwhile teaches nothing about the hosts. */
  get isAsking(): boolean {
    return (this.#hypothesis ?? this.#experiment ?? this.#recheck ?? this.#drainedFrom) !== undefined
  }

  /** The rate was lowered for missing refusals while no open port was known: it may be refusals only that are limited. */
  get isUnverified(): boolean {
    return this.#loweredUnverified !== undefined
  }

  /** An answer to a reference probe of the given interval came after it was missed: perhaps the path became slower, not worse. */
  answeredLate(interval: number): void {
    const experiment = this.#experiment
    if (experiment?.answeredLate(interval) !== true) return
    this.#experiment = undefined
    this.#rate = experiment.fromRate
  }

  /** Our own system ran short of something: slower, whatever the path allows. */
  shortage(): void {
    this.#rate = Math.max(limits.rate.minRate, this.#rate * limits.rate.shortageFactor)
  }

  /** Nearly all that was expected of an interval has come before its time (early acknowledgement): go on growing. */
  acknowledgeEarly(interval: MeasurementInterval): void {
    if (!this.isAsking) this.#grow(interval, limits.rate.maxRate)
  }

  /**
   * Takes up an interval whose answers are in. `next` is the first interval that a decision made now applies to; `mayGrow`: it has not
   * made the rate grow yet.
   */
  evaluate(interval: MeasurementInterval, next: number, nowMs: number, mayGrow: boolean): void {
    this.#noteSustained(interval)
    if (!this.isAsking) this.#highestRate = Math.max(this.#highestRate, Math.min(interval.rate, this.#rate))
    if (this.#drainedFrom !== undefined) return
    if (this.#hypothesis !== undefined) this.#test(this.#hypothesis, interval, next, nowMs)
    else if (this.#experiment !== undefined) this.#observe(this.#experiment, interval, next, nowMs)
    else if (this.#recheck !== undefined) this.#continueRecheck(this.#recheck, interval, nowMs)
    else this.#watch(interval, next, nowMs, mayGrow)
  }

  /** A queue on the way grows or is drained, or what looked like one is none. */
  heedQueue(advice: QueueAdvice, nowMs: number): void {
    if (advice.kind === 'drain') {
      this.#dropQuestions()
      this.#drainedFrom ??= this.#rate
      const drainRate = advice.servedRate * limits.rate.drainFactor
      this.#rate = Math.max(limits.rate.minRate, Math.min(this.#rate, drainRate))
      return
    }
    if (advice.kind === 'drained') {
      this.#limit.found(advice.servedRate, nowMs, 'delay')
      this.#rate = Math.max(limits.rate.minRate, this.#limit.safeRate ?? advice.servedRate)
    } else this.#rate = this.#drainedFrom ?? this.#rate
    this.#drainedFrom = undefined
  }

  /** A host came back or was given up: what was being found out was about its silence. */
  restart(nowMs: number, wasPathDown: boolean): void {
    this.#dropQuestions()
    const { minRate, sustainedMs, restartFactor } = limits.rate
    // Hosts that come back at about the same time do so for one reason.
    if (nowMs - this.#restartedMs > sustainedMs)
      this.#restartRate = Math.max(minRate, this.#restartRate * restartFactor)
    this.#restartedMs = nowMs
    this.#rate = wasPathDown ? this.#restartRate : Math.max(this.#rate, this.#restartRate)
  }

  #dropQuestions(): void {
    this.#hypothesis = undefined
    this.#experiment = undefined
    this.#recheck = undefined
    this.#first = new LossSample()
    this.#reference = new LossSample()
  }

  /** No question is open: grow, learn, or open one. */
  #watch(interval: MeasurementInterval, next: number, nowMs: number, mayGrow: boolean): void {
    const { refusalsCount } = this.silentHosts
    const latestFirst = interval.sum('first', refusalsCount)
    const latestReference = interval.sum('reference', refusalsCount)
    // What a limit that is known drops is no news.
    const passedShare = this.#limit.passedShare(interval.rate)
    this.#first.add(latestFirst, passedShare)
    this.#reference.add(latestReference, passedShare)
    this.#limit.add(interval, latestFirst, latestReference)
    const first = this.#first
    const reference = this.#reference
    if (first.showsLoss || reference.showsLoss) {
      this.#openHypothesis(next)
      return
    }
    if (this.#limit.safeRate !== undefined && this.#limit.isDoubted(interval.endMs)) {
      this.#recheck = new LimitRecheck(this.#limit, next, nowMs)
      this.#rate = this.#recheck.rate
      return
    }
    if (mayGrow) this.#growAfter(interval, first, reference)
    if (first.expected >= limits.rate.minExpected) this.#first = new LossSample()
    if (reference.expected < limits.randomLoss.minProbes) return
    this.#learnRandomLoss(reference)
    this.#reference = new LossSample()
    if (this.#loweredUnverified !== undefined && interval.sum('open', refusalsCount).sent > 0)
      this.#verify(this.#loweredUnverified, next)
  }

  #growAfter(interval: MeasurementInterval, first: LossSample, reference: LossSample): void {
    const { minExpected, growthMinDeliveredShare, maxRate, unobservedMaxRate } = limits.rate
    if (first.expected + reference.expected >= minExpected) {
      // One lucky answer among the first makes little to be expected, and to be missed, of all that follow.
      const firstShare = first.expected < minExpected ? 1 : first.deliveredShare
      if (Math.min(firstShare, reference.deliveredShare) > growthMinDeliveredShare) this.#grow(interval, maxRate)
    } else if (reference.sent === 0) this.#grow(interval, unobservedMaxRate)
  }

  #grow(interval: MeasurementInterval, maxRate: number): void {
    // Nothing is proved by a rate that was asked for but never reached.
    const isReached = interval.rate >= this.#rate * limits.rate.growthMinSentShare
    if (this.#rate >= maxRate || !isReached || interval.isDelayed) return
    const first = interval.sum('first', this.silentHosts.refusalsCount)
    this.#rate = Math.min(this.#limit.grown(this.#rate, interval, first), maxRate)
  }

  #learnRandomLoss(reference: LossSample): void {
    const isLimitsDoing = this.limit !== undefined && this.#limit.below.sent < limits.randomLoss.belowLimitProbes
    if (!isLimitsDoing || lostShare(reference) <= this.randomLoss) this.#randomLoss.learn(reference)
  }

  #openHypothesis(next: number): void {
    this.#hypothesis = new LossHypothesis(next)
    this.#first = new LossSample()
    this.#reference = new LossSample()
  }

  /** An open port was found since the rate was lowered for missing refusals: at the old rate, does it answer? */
  #verify(rate: number, next: number): void {
    this.#loweredUnverified = undefined
    this.#limit.forget()
    this.#rate = Math.max(this.#rate, rate)
    this.#openHypothesis(next)
  }

  #test(hypothesis: LossHypothesis, interval: MeasurementInterval, next: number, nowMs: number): void {
    if (interval.index < hypothesis.sinceInterval) return
    const { refusalsCount } = this.silentHosts
    hypothesis.add(interval, refusalsCount)
    const finding = hypothesis.finding(refusalsCount, this.limit !== undefined)
    if (finding.kind === 'undecided') return
    this.#hypothesis = undefined
    if (finding.kind === 'refusals-limited') this.silentHosts.ignoreRefusals(finding.hosts)
    if (finding.kind !== 'loss') return
    this.#hasOpenLoss = finding.open === 'missing'
    if (interval.rate <= this.#leastRate * limits.rate.leastRateSlack) return
    if (finding.open === 'missing') this.#loweredUnverified = undefined
    else if (finding.open === 'not-probed') this.#loweredUnverified = interval.rate
    this.#lowerRate(interval.rate, hypothesis.sample, next, nowMs)
  }

  /**
   * While there are ports that were never tried, and no open port was seen to be missed, it may be refusals only that go missing: all are
   * tried once at a rate that no path minds, as open ports would answer, and only then as slowly as refusals come.
   */
  get #leastRate(): number {
    return this.hasUntried && !this.#hasOpenLoss ? limits.rate.firstPassRate : limits.rate.minRate
  }

  /** Down to what was delivered, to see whether the loss goes away. */
  #lowerRate(fromRate: number, before: RateSample, next: number, nowMs: number): void {
    const { maxCutFactor } = limits.rate
    const lower = Math.max(this.#leastRate, fromRate * Math.max(maxCutFactor, before.deliveredShare))
    this.#rate = Math.min(this.#rate, lower)
    this.#experiment = new RateExperiment(fromRate, this.#rate, before, next, nowMs)
  }

  #continueRecheck(recheck: LimitRecheck, interval: MeasurementInterval, nowMs: number): void {
    const holds = recheck.add(interval, this.silentHosts.refusalsCount)
    if (holds === undefined) return
    this.#recheck = undefined
    if (holds) this.#limit.trust(nowMs)
    else this.#limit.forget()
    this.#rate = this.#limit.safeRate ?? this.#rate
  }

  #observe(experiment: RateExperiment, interval: MeasurementInterval, next: number, nowMs: number): void {
    if (interval.index < experiment.sinceInterval) return
    experiment.add(interval, this.silentHosts.refusalsCount)
    const result = experiment.result(nowMs)
    if (result === 'undecided') return
    this.#experiment = undefined
    switch (result) {
      case 'limit': {
        // After an outage the lower rate says nothing of what the path can carry.
        if (experiment.wasOutage) return
        const { rate, fromRate, before } = experiment
        this.#limit.found(Math.max(rate, fromRate * before.deliveredShare), nowMs, 'loss')
        this.#rate = this.#limit.safeRate ?? this.#rate
        return
      }
      case 'outage-over':
        this.#rate = Math.min(experiment.fromRate, this.#rate)
        return
      case 'limit-below':
        if (interval.rate > this.#leastRate * limits.rate.leastRateSlack)
          this.#lowerRate(interval.rate, experiment.after, next, nowMs)
        return
      case 'random':
        this.#acceptRandomLoss(experiment, next, nowMs)
        return
      case 'unresponsive':
        this.silentHosts.stoppedAnswering(experiment.hosts)
        break
      case 'refusals-forbidden':
        this.silentHosts.ignoreRefusals(experiment.hosts)
    }
    this.#rate = Math.min(experiment.fromRate, limits.rate.unobservedMaxRate)
  }

  /** Back to the old rate, as a lower one gains nothing; heavy loss is measured once more before, at a still lower rate. */
  #acceptRandomLoss(experiment: RateExperiment, next: number, nowMs: number): void {
    const { minRate } = limits.rate
    if (this.#randomLoss.accept(experiment, experiment.rate > minRate)) this.#rate = experiment.originRate
    else {
      this.#rate = Math.max(minRate, experiment.rate * limits.randomLoss.secondExperimentFactor)
      this.#experiment = experiment.repeated(this.#rate, next, nowMs)
    }
  }
}
