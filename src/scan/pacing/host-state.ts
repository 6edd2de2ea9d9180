import type { Random } from '../../base/random.ts'
import type { ScanHost } from '../types.ts'
import type { ReadonlyLossSample } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { HostRtt } from './rtt.ts'

/*
 * What the scan learns of each host: its round-trip time, which ports can serve as references, which share of its ports answers, and how
 * many probes to it are lost. The last two give the chances by which silence is weighed: whether a port that is silent is filtered.
 */

/** One host under scan. Most hosts of a network never answer, so that room for answers is made when the first one comes. */
export class HostState {
  readonly host: ScanHost
  /** Its number in the scan. */
  readonly number: number
  readonly rtt = new HostRtt()
  /** Its ports, in the order in which they are tried. */
  readonly order: Uint16Array
  /** Index in that order of the next one that was never tried. */
  cursor = 0
  /** Ports without a final answer. */
  unresolved: number
  openCount = 0
  /** Kept by `HostLiveness`, as the next two are. Silent: waited for. Gone: no longer. */
  liveness: 'responsive' | 'silent' | 'gone' = 'responsive'
  lastAnswerMs = 0
  /** Reference probes in a row that stayed silent. */
  missedInRow = 0
  /** Given up as a whole: nothing of it counts any more. */
  isLeft = false
  #open: ReferencePorts | undefined
  #refusing: ReferencePorts | undefined
  #firstSent = 0
  #firstAnswered = 0
  #openLoss: LossRate | undefined
  #anyLoss: LossRate | undefined
  /** First attempts: answered by open ports, answered at all, and not answered. */
  #openAtFirst = 0
  #anyAtFirst = 0
  #silentAtFirst = 0

  constructor(host: ScanHost, number: number, order: Uint16Array) {
    this.host = host
    this.number = number
    this.order = order
    this.unresolved = order.length
  }

  /** Ports known to be open, for reference probes. */
  get open(): ReferencePorts {
    this.#open ??= new ReferencePorts()
    return this.#open
  }

  /** Ports known to refuse, likewise. */
  get refusing(): ReferencePorts {
    this.#refusing ??= new ReferencePorts()
    return this.#refusing
  }

  /** It has answered from a port that can be probed again. */
  get hasReferencePorts(): boolean {
    return (this.#open?.size ?? 0) + (this.#refusing?.size ?? 0) > 0
  }

  /** The share of its ports that answer the first attempt; undefined while too few were tried. */
  get answerShare(): number | undefined {
    if (this.#firstSent < limits.host.minFirstAttempts) return undefined
    return Math.min(1, this.#firstAnswered / this.#firstSent)
  }

  learnAnswerShare(sent: number, answered: number): void {
    this.#firstSent += sent
    this.#firstAnswered += answered
  }

  /** What was learned of the share no longer holds. */
  forgetAnswerShare(): void {
    this.#firstSent = 0
    this.#firstAnswered = 0
  }

  /**
   * Takes up the reference probes of one interval once all its answers are in. Counted one by one, losses would lag behind: an answer is
   * known after a round trip, a loss after a timeout.
   */
  recordReferenceProbes(open: ReadonlyLossSample, refusing: ReadonlyLossSample): void {
    this.#addLoss(open.sent, open.missed, true)
    this.#addLoss(refusing.sent, refusing.missed, false)
  }

  /** What was learned of losses no longer holds. */
  forgetLoss(): void {
    this.#openLoss = undefined
    this.#anyLoss = undefined
  }

  /** A port was answered at the given attempt, so that the ones before were lost. */
  recordAnswer(attempt: number, isOpen: boolean): void {
    if (isOpen) this.openCount++
    if (attempt === 1) {
      this.#anyAtFirst++
      if (isOpen) this.#openAtFirst++
      return
    }
    if (attempt === 2) this.#creditFirstAttempts()
    this.#addLoss(attempt, attempt - 1, isOpen)
  }

  /** An attempt at a port was not answered. */
  recordSilence(attempt: number): void {
    if (attempt === 1) this.#silentAtFirst++
    else if (attempt === 2) this.#creditFirstAttempts()
  }

  /**
   * Answered first attempts count in step with second attempts that have ended: only those show which first attempts were lost, so that
   * counting all answered ones at once would make the loss look too low just when it decides whether to try again.
   */
  #creditFirstAttempts(): void {
    if (this.#silentAtFirst === 0) return
    this.#addLoss((this.#anyAtFirst - this.#openAtFirst) / this.#silentAtFirst, 0, false)
    this.#addLoss(this.#openAtFirst / this.#silentAtFirst, 0, true)
  }

  /** Attempts at ports that answer, and how many of them were lost. */
  #addLoss(attempts: number, lost: number, open: boolean): void {
    if (attempts === 0) return
    this.#anyLoss ??= new LossRate()
    this.#anyLoss.add(attempts, lost)
    if (!open) return
    this.#openLoss ??= new LossRate()
    this.#openLoss.add(attempts, lost)
  }

  /** The chance that an attempt at a port that answers is lost. `openOnly`: its refusals prove nothing, as they are limited. */
  lossRate(openOnly: boolean): number {
    return ((openOnly ? this.#openLoss : this.#anyLoss) ?? unknownLossRate).estimate
  }
}

/** Attempts made and lost, with a prior until there is experience (beta distribution), and old experience counting less. */
class LossRate {
  #attempts: number = limits.host.priorAttempts
  #lost = limits.host.priorAttempts * limits.host.priorLossShare

  get estimate(): number {
    return this.#lost / this.#attempts
  }

  add(attempts: number, lost: number): void {
    this.#attempts += attempts
    this.#lost += lost
    if (this.#attempts < limits.host.lossMemoryAttempts) return
    this.#attempts /= 2
    this.#lost /= 2
  }
}

const unknownLossRate = new LossRate()

/** A few ports that are known to answer. One that falls silent while others answer is dropped: its service has ended. */
export class ReferencePorts {
  readonly #ports: number[] = []
  readonly #misses: number[] = []

  get size(): number {
    return this.#ports.length
  }

  /** When there are enough it replaces one, so that those found late are represented. */
  add(port: number, random: Random): void {
    if (this.#ports.includes(port)) return
    const { referencePorts } = limits.host
    const at = this.#ports.length < referencePorts ? this.#ports.length : random.below(referencePorts)
    this.#ports[at] = port
    this.#misses[at] = 0
  }

  /** Any of them; undefined when there is none. */
  pick(random: Random): number | undefined {
    return this.#ports[random.below(this.#ports.length)]
  }

  /** A reference probe has ended. `othersAnswer`: silence is this port's own. */
  record(port: number, answered: boolean, othersAnswer: boolean): void {
    const at = this.#ports.indexOf(port)
    if (at === -1) return
    const misses = answered ? 0 : (this.#misses[at] ?? 0) + 1
    this.#misses[at] = misses
    if (misses >= limits.host.maxMisses && othersAnswer) this.drop(port)
  }

  /** It no longer is what it was known for. */
  drop(port: number): void {
    const at = this.#ports.indexOf(port)
    if (at === -1) return
    this.#ports.splice(at, 1)
    this.#misses.splice(at, 1)
  }
}
