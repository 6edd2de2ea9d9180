import type { ScanHost } from '../types.ts'
import type { ReadonlyEvidence } from './evidence.ts'
import type { Random } from './random.ts'
import { RttEstimator } from './rtt.ts'

/** What the scan knows of one host. Most hosts of a network never answer, so that room for answers is made late. */
export class HostTrack {
  readonly host: ScanHost
  /** Its number in the scan's table. */
  readonly number: number
  readonly rtt = new RttEstimator()
  #open: CanarySet | undefined
  #refusing: CanarySet | undefined
  /** Next in the order of ports. */
  cursor = 0
  /** Ports without a final answer. */
  unresolved: number
  openCount = 0
  /** Silent and given up: see `Vigil`, whose these three are. */
  presence: 'here' | 'silent' | 'gone' = 'here'
  heardMs = 0
  /** Ports known to answer that stayed silent since. */
  unheard = 0
  #freshSent = 0
  #freshAnswered = 0
  #openLoss: LossCount | undefined
  #anyLoss: LossCount | undefined
  /** First attempts: answered from open ports, answered at all, and not. */
  #openAtOnce = 0
  #anyAtOnce = 0
  #silentAtOnce = 0

  constructor(host: ScanHost, number: number, portCount: number) {
    this.host = host
    this.number = number
    this.unresolved = portCount
  }

  /** Ports known to be open: a few are asked again to measure the path. */
  get open(): CanarySet {
    this.#open ??= new CanarySet()
    return this.#open
  }

  /** Ports known to refuse, asked again likewise. */
  get refusing(): CanarySet {
    this.#refusing ??= new CanarySet()
    return this.#refusing
  }

  /** It has answered from a port that can be asked again. */
  get hasCanaries(): boolean {
    return (this.#open?.size ?? 0) + (this.#refusing?.size ?? 0) > 0
  }

  /** The share of its ports that answer the first attempt; undefined while too few were asked. */
  get answerShare(): number | undefined {
    return this.#freshSent < 8 ? undefined : Math.min(1, this.#freshAnswered / this.#freshSent)
  }

  learnShare(sent: number, answered: number): void {
    this.#freshSent += sent
    this.#freshAnswered += answered
  }

  /** What was learned of the share no longer holds. */
  forgetShare(): void {
    this.#freshSent = 0
    this.#freshAnswered = 0
  }

  /**
   * Canaries of one stretch of time, of open ports and of refusing ones, once their answers are in: an answer is known
   * long before a silence, so that counted one by one the lost ones would be missing from the account.
   */
  canaries(open: ReadonlyEvidence, refusing: ReadonlyEvidence): void {
    this.#lost(open.sent, open.missed, true)
    this.#lost(refusing.sent, refusing.missed, false)
  }

  /** What was learned of losses no longer holds. */
  forgetLoss(): void {
    this.#openLoss = undefined
    this.#anyLoss = undefined
  }

  /** A port was answered at the given attempt, so that the ones before were lost. */
  answered(attempt: number, isOpen: boolean): void {
    if (isOpen) this.openCount++
    if (attempt === 1) {
      this.#anyAtOnce++
      if (isOpen) this.#openAtOnce++
      return
    }
    if (attempt === 2) this.#creditFirsts()
    this.#lost(attempt, attempt - 1, isOpen)
  }

  wasSilent(attempt: number): void {
    if (attempt === 1) this.#silentAtOnce++
    else if (attempt === 2) this.#creditFirsts()
  }

  /**
   * First attempts that were answered count only in step with second attempts that have ended: the lost ones among the
   * first would otherwise be missing from the account just when it is asked whether to try again.
   */
  #creditFirsts(): void {
    if (this.#silentAtOnce === 0) return
    this.#lost((this.#anyAtOnce - this.#openAtOnce) / this.#silentAtOnce, 0, false)
    this.#lost(this.#openAtOnce / this.#silentAtOnce, 0, true)
  }

  /** Attempts at ports that answer, and how many of them were lost. */
  #lost(attempts: number, lost: number, open: boolean): void {
    if (attempts === 0) return
    this.#anyLoss ??= new LossCount()
    this.#anyLoss.add(attempts, lost)
    if (!open) return
    this.#openLoss ??= new LossCount()
    this.#openLoss.add(attempts, lost)
  }

  /** The chance that an attempt at an open port of this host goes unanswered. `openOnly`: its refusals prove nothing. */
  loss(openOnly: boolean): number {
    return ((openOnly ? this.#openLoss : this.#anyLoss) ?? unknown).estimate
  }
}

/** Attempts made and lost, with a doubtful prior until there is experience: one in twenty, as if four had been made. */
class LossCount {
  #attempts = 4
  #lost = 0.2

  get estimate(): number {
    return this.#lost / this.#attempts
  }

  add(attempts: number, lost: number): void {
    this.#attempts += attempts
    this.#lost += lost
    if (this.#attempts < MEMORY) return
    this.#attempts /= 2
    this.#lost /= 2
  }
}

const unknown = new LossCount()

/** A few ports that are known to answer. One that falls silent while others answer is dropped: it stopped listening. */
class CanarySet {
  readonly #ports: number[] = []
  readonly #misses: number[] = []

  get size(): number {
    return this.#ports.length
  }

  add(port: number, random: Random): void {
    if (this.#ports.includes(port)) return
    const at = this.#ports.length < CANARIES ? this.#ports.length : random.below(CANARIES)
    this.#ports[at] = port
    this.#misses[at] = 0
  }

  pick(random: Random): number | undefined {
    return this.#ports[random.below(this.#ports.length)]
  }

  /** `othersAnswer`: silence is this port's own. */
  heard(port: number, answered: boolean, othersAnswer: boolean): void {
    const at = this.#ports.indexOf(port)
    if (at === -1) return
    const misses = answered ? 0 : (this.#misses[at] ?? 0) + 1
    this.#misses[at] = misses
    if (misses >= MISSES && othersAnswer) this.drop(port)
  }

  /** It no longer is what it was known for. */
  drop(port: number): void {
    const at = this.#ports.indexOf(port)
    if (at === -1) return
    this.#ports.splice(at, 1)
    this.#misses.splice(at, 1)
  }
}

const CANARIES = 8
/** Attempts after which what was learned earlier begins to count half: paths change. */
const MEMORY = 1000
const MISSES = 5
