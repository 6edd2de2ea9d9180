import { Evidence, type ReadonlyEvidence } from './evidence.ts'

/**
 * What a probe is sent for: a port's first attempt, a later one, a port known to be open or to refuse, asked again to
 * measure the path, or to see whether a silent host is back, or whether an open port that refused is open after all.
 */
export type Purpose = 'fresh' | 'retry' | 'open-canary' | 'refusing-canary' | 'vigil' | 'turned'

/** Asks for what is known already: its answer is no result. */
export function isRepeated(purpose: Purpose): boolean {
  return purpose !== 'fresh' && purpose !== 'retry'
}

/** Says nothing about the path, so that it belongs to no epoch of the scan. */
export function isAside(purpose: Purpose): boolean {
  return purpose === 'vigil' || purpose === 'turned'
}

/** What one host had to say in one epoch. Most hosts of a network say little, so that room for it is made late. */
export class Tally {
  #fresh: Evidence | undefined
  #open: Evidence | undefined
  #refusing: Evidence | undefined

  get fresh(): ReadonlyEvidence {
    return this.#fresh ?? none
  }

  get open(): ReadonlyEvidence {
    return this.#open ?? none
  }

  get refusing(): ReadonlyEvidence {
    return this.#refusing ?? none
  }

  /** To be added to. */
  of(purpose: Purpose): Evidence | undefined {
    if (purpose === 'fresh') {
      this.#fresh ??= new Evidence()
      return this.#fresh
    }
    if (purpose === 'open-canary') {
      this.#open ??= new Evidence()
      return this.#open
    }
    if (purpose !== 'refusing-canary') return undefined
    this.#refusing ??= new Evidence()
    return this.#refusing
  }
}

const none: ReadonlyEvidence = new Evidence()

/** A short stretch of sending at one rate, and what came back for what was sent in it. */
export class Epoch {
  readonly index: number
  readonly startMs: number
  /** By the host's number. */
  readonly tallies = new Map<number, Tally>()
  sent = 0
  #answered = 0
  endMs = 0
  /** Its answers were taken for all there are: what comes now comes late. */
  isJudged = false
  /** Answers expected so far, of all kinds: tells when the epoch says enough. */
  expected = 0
  canaries = 0

  constructor(index: number, startMs: number) {
    this.index = index
    this.startMs = startMs
  }

  sentTo(host: number, purpose: Purpose, chance: number): void {
    this.sent++
    if (purpose === 'retry') return
    let tally = this.tallies.get(host)
    if (tally === undefined) {
      tally = new Tally()
      this.tallies.set(host, tally)
    }
    tally.of(purpose)?.count(chance)
    this.expected += chance
    if (purpose !== 'fresh') this.canaries++
  }

  /** Answers so far, those to retries included. */
  get answers(): number {
    return this.#answered
  }

  /** Everything sent was answered: nothing more can come. */
  get isAnswered(): boolean {
    return this.#answered === this.sent
  }

  /** `isLate`: a first attempt would not have waited so long. */
  answered(host: number, purpose: Purpose, isLate = false): void {
    this.#answered++
    const evidence = this.tallies.get(host)?.of(purpose)
    evidence?.arrived()
    if (isLate) evidence?.cameLate()
  }

  /** Probes per second that really left. */
  get rate(): number {
    return (this.sent * 1000) / Math.max(1, this.endMs - this.startMs)
  }

  /** All hosts together; what a host says that limits its refusals counts only where it is `heard`. */
  sum(kind: 'fresh' | 'open' | 'canaries', heard: (host: number) => boolean): Evidence {
    const sum = new Evidence()
    for (const [host, tally] of this.tallies) {
      if (kind !== 'fresh') sum.add(tally.open)
      if (kind !== 'open' && heard(host)) sum.add(kind === 'fresh' ? tally.fresh : tally.refusing)
    }
    return sum
  }
}
