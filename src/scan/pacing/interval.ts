import { pacingLimits as limits } from './limits.ts'

/*
 * A measurement interval is a stretch of sending at one rate, with counts of what was sent in it and what came back for that. It is
 * what BBR and PCC call a monitor interval: answers are credited to the interval in which their probe was sent, not to the moment at
 * which they arrive, so that its loss is the loss at its rate.
 */

/**
 * What a probe is sent for: a port's first attempt or a later one; a reference probe to a port known to be open, or to refuse; a
 * question whether a silent host is back, or whether an open port that refused is open after all.
 */
export type Purpose = 'first' | 'retry' | 'open-reference' | 'refusing-reference' | 'liveness' | 'contradiction'

/** Asks a port whose state is known already: the answer measures something and is no result. */
export function isMeasurement(purpose: Purpose): boolean {
  return purpose !== 'first' && purpose !== 'retry'
}

/** Says nothing about the path, so that it belongs to no interval. */
export function isOutsideIntervals(purpose: Purpose): boolean {
  return purpose === 'liveness' || purpose === 'contradiction'
}

/** A loss sample that is only read. */
export type ReadonlyLossSample = Omit<LossSample, 'count' | 'arrived' | 'cameLate' | 'add'>

/**
 * How many answers were expected and how many came. Each probe adds its own chance of being answered, as one Bernoulli trial, so that
 * ports known to answer weigh more than ports of which some do; mean and variance add up (Poisson binomial distribution).
 */
export class LossSample {
  #sent = 0
  #expected = 0
  #variance = 0
  #answered = 0
  #late = 0

  get sent(): number {
    return this.#sent
  }

  get expected(): number {
    return this.#expected
  }

  get variance(): number {
    return this.#variance
  }

  get answered(): number {
    return this.#answered
  }

  /** Probes that were not answered. */
  get lost(): number {
    return Math.max(0, this.#sent - this.#answered)
  }

  /** Lost, or answered later than a first attempt at a port would have waited. */
  get missed(): number {
    return Math.min(this.#sent, this.lost + this.#late)
  }

  /** Expected answers that did not come. */
  get missing(): number {
    return Math.max(0, this.#expected - this.#answered)
  }

  /** A probe was sent that is answered with this chance. */
  count(chance: number): void {
    this.#sent++
    this.#expected += chance
    this.#variance += chance * (1 - chance)
  }

  arrived(): void {
    this.#answered++
  }

  /** Of those that arrived, one came late. */
  cameLate(): void {
    this.#late++
  }

  /** `passedShare`: what a known limit let through, so that no more was to be expected. */
  add(other: ReadonlyLossSample, passedShare = 1): void {
    this.#sent += other.sent
    this.#expected += other.expected * passedShare
    this.#variance += passedShare * (other.variance + other.expected * (1 - passedShare))
    this.#answered += other.answered
    this.#late += other.missed - other.lost
  }

  /** The share of the expected answers that came; 1 while nothing was expected. */
  get deliveredShare(): number {
    return this.#expected === 0 ? 1 : Math.min(1, this.#answered / this.#expected)
  }

  /** More are missing than is tolerable, and more than chance explains. */
  get showsLoss(): boolean {
    // The one makes a single lost probe insignificant, however certain its answer was.
    const noise = limits.loss.significantDeviations * Math.sqrt(this.#variance + 1)
    return this.missing > this.#expected * limits.loss.tolerableShare && this.missing > noise
  }
}

const nothing: ReadonlyLossSample = new LossSample()

/** The samples of one host in one interval. Most hosts of a network say little, so that each is made when it is needed. */
export class HostSamples {
  #first: LossSample | undefined
  #open: LossSample | undefined
  #refusing: LossSample | undefined

  /** First attempts. */
  get first(): ReadonlyLossSample {
    return this.#first ?? nothing
  }

  /** Reference probes to open ports. */
  get open(): ReadonlyLossSample {
    return this.#open ?? nothing
  }

  /** Reference probes to refusing ports. */
  get refusing(): ReadonlyLossSample {
    return this.#refusing ?? nothing
  }

  /** The sample to add a probe to; undefined for purposes that are not sampled. */
  of(purpose: Purpose): LossSample | undefined {
    if (purpose === 'first') {
      this.#first ??= new LossSample()
      return this.#first
    }
    if (purpose === 'open-reference') {
      this.#open ??= new LossSample()
      return this.#open
    }
    if (purpose !== 'refusing-reference') return undefined
    this.#refusing ??= new LossSample()
    return this.#refusing
  }
}

/** One measurement interval. */
export class MeasurementInterval {
  /** Its number, from 0. */
  readonly index: number
  readonly startMs: number
  endMs = 0
  /** By the host's number. */
  readonly hosts = new Map<number, HostSamples>()
  sent = 0
  /** Answers expected so far, of all purposes: tells when the interval says enough. */
  expected = 0
  referenceProbes = 0
  /** Its answers were taken for all there are: what comes now comes too late for it. */
  isEvaluated = false
  #answered = 0
  #delayed = 0
  #punctual = 0

  constructor(index: number, startMs: number) {
    this.index = index
    this.startMs = startMs
  }

  /** A probe was sent that is answered with this chance. */
  recordSent(host: number, purpose: Purpose, chance: number): void {
    this.sent++
    if (purpose === 'retry') return
    let samples = this.hosts.get(host)
    if (samples === undefined) {
      samples = new HostSamples()
      this.hosts.set(host, samples)
    }
    samples.of(purpose)?.count(chance)
    this.expected += chance
    if (purpose !== 'first') this.referenceProbes++
  }

  /** `isLate`: a first attempt would not have waited so long. */
  recordAnswer(host: number, purpose: Purpose, isLate = false): void {
    this.#answered++
    const sample = this.hosts.get(host)?.of(purpose)
    sample?.arrived()
    if (isLate) sample?.cameLate()
  }

  /** An answer came, much later than the fastest of its host or not. */
  recordDelay(isDelayed: boolean): void {
    if (isDelayed) this.#delayed++
    else this.#punctual++
  }

  /** Answers so far, those to retries included. */
  get answered(): number {
    return this.#answered
  }

  /** Everything sent was answered: nothing more can come. */
  get isAnswered(): boolean {
    return this.#answered === this.sent
  }

  /** All of its answers so far came late: a queue grows on the way. */
  get isDelayed(): boolean {
    return this.#punctual === 0 && this.#delayed >= limits.interval.delayedMinAnswers
  }

  /** Probes per second that really left. */
  get rate(): number {
    return (this.sent * 1000) / Math.max(1, this.endMs - this.startMs)
  }

  /**
   * All hosts together: first attempts, reference probes to open ports, or all reference probes. `refusalsCount` tells of a host
   * whether its refusals mean anything: one that limits them is counted by its open ports only.
   */
  sum(kind: 'first' | 'open' | 'reference', refusalsCount: (host: number) => boolean): LossSample {
    const sum = new LossSample()
    for (const [host, samples] of this.hosts) {
      if (kind !== 'first') sum.add(samples.open)
      if (kind !== 'open' && refusalsCount(host)) sum.add(kind === 'first' ? samples.first : samples.refusing)
    }
    return sum
  }
}
