import { limits } from '../../base/limits.ts'
import type { Epoch } from './epoch.ts'
import { Evidence } from './evidence.ts'

/** What was sent and what came back, kept apart because first attempts and canaries are answered differently often. */
export class Sample {
  readonly fresh = new Evidence()
  readonly canaries = new Evidence()

  add(epoch: Epoch, heard: (host: number) => boolean): void {
    this.fresh.add(epoch.sum('fresh', heard))
    this.canaries.add(epoch.sum('canaries', heard))
  }

  /** The share of the expected answers that came; first attempts say more of it where nearly all ports answer. */
  get ratio(): number {
    if (this.fresh.expected <= this.fresh.sent * DENSE) return this.canaries.ratio
    const both = new Evidence()
    both.add(this.fresh)
    both.add(this.canaries)
    return both.ratio
  }
}

/** The share of answers from which on a host's ports are as good as canaries. */
export const DENSE = 0.8

export type Conclusion =
  | 'undecided'
  /** The loss is gone: the path or the host lets through so much and no more. */
  | 'limit'
  /** Nothing came, and then all: an outage has ended. */
  | 'over'
  /** Less is lost than before, but still too much. */
  | 'slower-yet'
  /** As much is lost as before. */
  | 'random'
  /** Nothing at all has come back for longer than an outage lasts. */
  | 'deaf'
  /** Nearly nothing: no path is that narrow; it is refusals that are all but forbidden. */
  | 'refusals-forbidden'

/**
 * The rate was lowered because answers went missing. Do fewer go missing now? Under random loss the same share of
 * probes is answered as before, under a limit the same number per second.
 */
export class Trial {
  readonly fromRate: number
  /** The rate before the first of several trials. */
  readonly originRate: number
  readonly rate: number
  /** Epochs before this one were sent at the old rate. */
  readonly sinceEpoch: number
  readonly before: Sample
  readonly after = new Sample()
  readonly hosts = new Set<number>()
  readonly #sinceMs: number
  /** What the latest epochs brought that lost next to nothing. */
  #recovered = new Evidence()
  #late = 0

  constructor(
    fromRate: number,
    rate: number,
    before: Sample,
    sinceEpoch: number,
    sinceMs: number,
    originRate = fromRate,
  ) {
    this.fromRate = fromRate
    this.originRate = originRate
    this.rate = rate
    this.before = before
    this.sinceEpoch = sinceEpoch
    this.#sinceMs = sinceMs
  }

  /** The same question again, from this trial's rate to a still lower one. */
  repeated(rate: number, sinceEpoch: number, sinceMs: number): Trial {
    return new Trial(this.rate, rate, this.after, sinceEpoch, sinceMs, this.originRate)
  }

  add(epoch: Epoch, heard: (host: number) => boolean): void {
    this.after.add(epoch, heard)
    const canaries = epoch.sum('canaries', heard)
    if (canaries.ratio < 0.9) this.#recovered = new Evidence()
    this.#recovered.add(canaries)
    for (const host of epoch.tallies.keys()) this.hosts.add(host)
  }

  /** An answer that was missed came after all. True: so many did that the path only became slower. */
  late(epochIndex: number): boolean {
    if (epochIndex <= this.sinceEpoch) this.#late++
    return this.#late > this.before.canaries.missing / 2
  }

  /** Nothing at all came before: no limit looks like that. */
  get wasOutage(): boolean {
    return this.before.canaries.ratio < NEXT_TO_NOTHING
  }

  conclusion(nowMs: number): Conclusion {
    const { canaries } = this.after
    if (canaries.expected < ENOUGH) return 'undecided'
    if (this.#hasRecovered) return 'over'
    const patient = nowMs - this.#sinceMs < limits.scanOutageMs
    if (canaries.ratio < NEXT_TO_NOTHING) {
      // A limit far below; or an outage, which is waited out once the rate is so low that no limit would do it.
      if (this.rate > OUTAGE_RATE) return canaries.expected >= ENOUGH_FOR_NOTHING ? 'slower-yet' : 'undecided'
      if (patient) return 'undecided'
      return canaries.answered === 0 ? 'deaf' : 'refusals-forbidden'
    }
    const ifRandom = this.#expected(1)
    const ifLimit = this.#expected(this.fromRate / this.rate)
    const before = this.before.canaries.answered + this.before.fresh.answered
    const deviation = Math.sqrt(ifLimit + ifLimit ** 2 / Math.max(1, before))
    const decided = ifLimit - ifRandom > 4 * deviation || canaries.sent >= MOST || !patient
    if (!decided) return 'undecided'
    const answered = canaries.answered + this.after.fresh.answered
    if (answered < (ifRandom + ifLimit) / 2) return 'random'
    return canaries.ratio > 0.9 ? 'limit' : 'slower-yet'
  }

  get #hasRecovered(): boolean {
    const { canaries } = this.after
    const sent = canaries.sent - this.#recovered.sent
    const answered = canaries.answered - this.#recovered.answered
    return this.#recovered.expected >= ENOUGH && sent >= ENOUGH && answered < sent * LITTLE
  }

  /** Answers to be expected now if each probe is `factor` times as likely to be answered as before. */
  #expected(factor: number): number {
    const one = (kind: 'fresh' | 'canaries'): number => {
      const before = this.before[kind]
      return before.sent === 0 ? 0 : this.after[kind].sent * Math.min(1, (before.answered / before.sent) * factor)
    }
    return one('fresh') + one('canaries')
  }
}

const ENOUGH = 8
/** Canaries after which the likelier explanation is believed. */
const MOST = 80
const NEXT_TO_NOTHING = 0.05
/** What comes while an outage begins or ends. */
const LITTLE = 0.2
const ENOUGH_FOR_NOTHING = 20
/** Probes per second. */
const OUTAGE_RATE = 150
