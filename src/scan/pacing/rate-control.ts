import { limits } from '../../base/limits.ts'
import type { Epoch } from './epoch.ts'
import { Evidence } from './evidence.ts'
import { KnownLimit } from './known-limit.ts'
import { RandomLoss, shareLost } from './random-loss.ts'
import { Recheck } from './recheck.ts'
import { Silences } from './silences.ts'
import type { Advice } from './standing-queue.ts'
import { Suspicion } from './suspicion.ts'
import { type Sample, Trial } from './trial.ts'

/**
 * Decides the rate of sending from what each epoch says. Canaries decide, not silence. Loss lowers the rate to what was
 * delivered, and then one of two things is seen: the loss goes away (a limit was found: stay near it), or it stays as
 * it was (random loss: go on as fast as before).
 */
export class RateControl {
  readonly silences = new Silences()
  #rate: number
  readonly #fixed: number | undefined
  readonly #random = new RandomLoss()
  readonly #limit = new KnownLimit()
  #suspicion: Suspicion | undefined
  #trial: Trial | undefined
  #recheck: Recheck | undefined
  /** The rate before a queue on the way was given time to drain. */
  #drainedFrom: number | undefined
  /** The rate before a slow-down in which no open port could be asked. */
  #slowedUnseen: number | undefined
  /** What the latest epochs said together, until it is enough to judge by. */
  #fresh = new Evidence()
  #canaries = new Evidence()

  /** `fixed`: the rate that was asked for by hand; the path is watched all the same. */
  constructor(fixed?: number) {
    this.#fixed = fixed
    this.#rate = fixed ?? limits.scanFirstRate
  }

  /** Probes per second. */
  get rate(): number {
    return this.#fixed ?? this.#rate
  }

  get randomLoss(): number {
    return this.#random.chance
  }

  /** Probes per second that the path or a host was seen to let through, while that is the bound. */
  get limit(): number | undefined {
    return this.#limit.rate
  }

  /** A question is open that canaries answer; what is seen meanwhile teaches nothing about the hosts. */
  get isAsking(): boolean {
    return (this.#suspicion ?? this.#trial ?? this.#recheck ?? this.#drainedFrom) !== undefined
  }

  /** The rate was lowered for missing refusals while no open port was known: it may be refusals only that are limited. */
  get isDoubtful(): boolean {
    return this.#slowedUnseen !== undefined
  }

  /** An answer to an epoch's canary came after it was missed. Many of them: the path became slower, not worse. */
  late(epochIndex: number): void {
    const trial = this.#trial
    if (trial?.late(epochIndex) !== true) return
    this.#trial = undefined
    this.#rate = trial.fromRate
  }

  /** Our own system ran short of something: slower, whatever the path allows. */
  yield(): void {
    this.#rate = Math.max(limits.scanMinRate, this.#rate * 0.7)
  }

  /** Nearly all that was expected of an epoch has come before its time: go on growing. */
  hasten(epoch: Epoch): void {
    if (!this.isAsking) this.#grow(epoch, limits.scanMaxRate)
  }

  /**
   * Takes up an epoch whose answers are in. `next` is the first epoch that a decision made now applies to; `mayGrow`:
   * it has not made the rate grow yet.
   */
  judge(epoch: Epoch, next: number, nowMs: number, mayGrow: boolean): void {
    if (this.#drainedFrom !== undefined) return
    if (this.#suspicion !== undefined) this.#examine(this.#suspicion, epoch, next, nowMs)
    else if (this.#trial !== undefined) this.#try(this.#trial, epoch, next, nowMs)
    else if (this.#recheck !== undefined) this.#reexamine(this.#recheck, epoch, nowMs)
    else this.#watch(epoch, next, nowMs, mayGrow)
  }

  /** A queue on the way grows or is gone, or what looked like one is none. */
  queue(advice: Advice, nowMs: number): void {
    if (advice.kind === 'drain') {
      this.#forgetQuestions()
      this.#drainedFrom ??= this.#rate
      this.#rate = Math.max(limits.scanMinRate, Math.min(this.#rate, advice.served * DRAINS))
      return
    }
    if (advice.kind === 'drained') this.#limit.found(advice.served, nowMs, 'delay')
    this.#rate = advice.kind === 'drained' ? (this.#limit.safeRate ?? advice.served) : (this.#drainedFrom ?? this.#rate)
    this.#drainedFrom = undefined
  }

  #forgetQuestions(): void {
    this.#suspicion = undefined
    this.#trial = undefined
    this.#recheck = undefined
    this.#fresh = new Evidence()
    this.#canaries = new Evidence()
  }

  /** A host came back or was given up: what was being found out was about its silence. */
  restart(): void {
    this.#forgetQuestions()
    this.#rate = Math.max(this.#rate, limits.scanFirstRate)
  }

  #watch(epoch: Epoch, next: number, nowMs: number, mayGrow: boolean): void {
    const latest = epoch.sum('fresh', this.silences.counts)
    const asked = epoch.sum('canaries', this.silences.counts)
    // What a limit that is known drops is no news.
    const passed = this.#limit.passed(epoch.rate)
    this.#fresh.add(latest, passed)
    this.#canaries.add(asked, passed)
    this.#limit.add(epoch, latest, asked)
    const fresh = this.#fresh
    const canaries = this.#canaries
    if (fresh.isShort || canaries.isShort) {
      this.#suspect(next)
      return
    }
    if (this.#limit.safeRate !== undefined && this.#limit.isDoubted(epoch.endMs)) {
      this.#recheck = new Recheck(this.#limit, next, nowMs)
      this.#rate = this.#recheck.rate
      return
    }
    const enough = fresh.expected + canaries.expected >= ENOUGH
    // One lucky answer among the first makes little to be expected, and to be missed, of all that follow.
    const freshRatio = fresh.expected < ENOUGH ? 1 : fresh.ratio
    if (mayGrow && enough && Math.min(freshRatio, canaries.ratio) > 0.9) this.#grow(epoch, limits.scanMaxRate)
    // Nothing that answers is known: grow all the same, but not far.
    if (mayGrow && canaries.sent === 0 && !enough) this.#grow(epoch, limits.scanBlindRate)
    if (fresh.expected >= ENOUGH) this.#fresh = new Evidence()
    if (canaries.expected < ENOUGH_CANARIES) return
    this.#learnLoss(canaries)
    this.#canaries = new Evidence()
    if (this.#slowedUnseen !== undefined && epoch.sum('open', this.silences.counts).sent > 0)
      this.#dare(this.#slowedUnseen, next)
  }

  #suspect(next: number): void {
    this.#suspicion = new Suspicion(next)
    this.#fresh = new Evidence()
    this.#canaries = new Evidence()
  }

  /** An open port was found since the rate was lowered for missing refusals: at the old rate, does it answer? */
  #dare(rate: number, next: number): void {
    this.#slowedUnseen = undefined
    this.#limit.forget()
    this.#rate = Math.max(this.#rate, rate)
    this.#suspect(next)
  }

  #grow(epoch: Epoch, ceiling: number): void {
    // Nothing is proved by a rate that was asked for but never reached.
    if (this.#rate >= ceiling || epoch.rate < this.#rate / 2 || epoch.isDelayed) return
    this.#rate = Math.min(this.#limit.grown(this.#rate, epoch, epoch.sum('fresh', this.silences.counts)), ceiling)
  }

  #learnLoss(canaries: Evidence): void {
    const isLimit = this.limit !== undefined && this.#limit.below.sent < LONG
    if (!isLimit || shareLost(canaries) <= this.randomLoss) this.#random.learn(canaries)
  }

  #examine(suspicion: Suspicion, epoch: Epoch, next: number, nowMs: number): void {
    if (epoch.index < suspicion.sinceEpoch) return
    suspicion.add(epoch, this.silences.counts)
    const finding = suspicion.finding(this.silences.counts, this.limit !== undefined)
    if (finding.kind === 'undecided') return
    this.#suspicion = undefined
    if (finding.kind === 'refusals-limited') this.silences.found('limiting', finding.hosts)
    if (finding.kind !== 'path') return
    if (finding.open === 'missing') this.#slowedUnseen = undefined
    else if (finding.open === 'not-asked') this.#slowedUnseen = epoch.rate
    this.#slowDown(epoch.rate, suspicion.sample, next, nowMs)
  }

  #slowDown(fromRate: number, before: Sample, next: number, nowMs: number): void {
    // Never below a quarter at once: an outage looks like a limit of nothing.
    const slower = Math.max(limits.scanMinRate, fromRate * Math.max(0.25, before.ratio))
    this.#rate = Math.min(this.#rate, slower)
    this.#trial = new Trial(fromRate, this.#rate, before, next, nowMs)
  }

  #reexamine(recheck: Recheck, epoch: Epoch, nowMs: number): void {
    const holds = recheck.add(epoch, this.silences.counts)
    if (holds === undefined) return
    this.#recheck = undefined
    if (holds) this.#limit.believe(nowMs)
    else this.#limit.forget()
    this.#rate = this.#limit.safeRate ?? this.#rate
  }

  #try(trial: Trial, epoch: Epoch, next: number, nowMs: number): void {
    if (epoch.index < trial.sinceEpoch) return
    trial.add(epoch, this.silences.counts)
    const conclusion = trial.conclusion(nowMs)
    if (conclusion === 'undecided') return
    this.#trial = undefined
    if (conclusion === 'limit') {
      // After an outage the lower rate says nothing of what the path can carry.
      if (trial.wasOutage) return
      this.#limit.found(Math.max(trial.rate, trial.fromRate * trial.before.ratio), nowMs, 'loss')
      this.#rate = this.#limit.safeRate ?? this.#rate
    } else if (conclusion === 'over') {
      this.#rate = Math.min(trial.fromRate, this.#rate)
    } else if (conclusion === 'slower-yet') {
      this.#slowDown(epoch.rate, trial.after, next, nowMs)
    } else if (conclusion === 'random') {
      if (this.#random.concluded(trial, trial.rate > limits.scanMinRate)) this.#rate = trial.originRate
      else {
        // A limit that is taken for loss is costly: lower still, the loss must be the same.
        this.#rate = Math.max(limits.scanMinRate, trial.rate * AGAIN)
        this.#trial = trial.repeated(this.#rate, next, nowMs)
      }
    } else {
      this.silences.found(conclusion === 'deaf' ? 'deaf' : 'limiting', trial.hosts)
      this.#rate = Math.min(trial.fromRate, limits.scanBlindRate)
    }
  }
}

/** Expected answers that are enough to judge by. */
const ENOUGH = 8
/** Canaries of which a missing eighth is noticed. */
const ENOUGH_CANARIES = 30
/** Canaries sent below a limit, after which what goes missing there is not the limit's doing. */
const LONG = 60
/** The share of the rate at which a heavy loss is looked at again. */
const AGAIN = 0.4
/** The share of what a queue serves that is sent while it drains: the kernel may send each SYN twice. */
const DRAINS = 0.3
