import type { Random } from '../../base/random.ts'
import type { DoubtReason, HostEvidence, ScanHost } from '../types.ts'
import type { HostSamples, MeasurementInterval } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { isSelfMeasuring } from './loss-analysis.ts'
import { type LossCount, LossLog } from './loss-history.ts'
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
  /** Probes sent to it. */
  sentCount = 0
  /** It is among the hosts that answer and have silent ports. */
  isCounted = false
  /** Ports that were given up, and the sum of their chances of having been missed although they are open. */
  silentCount = 0
  doubtSum = 0
  /** Attempts at them at most. */
  maxAttempts = 0
  /** The time was up before they could be tried as often as they should. */
  isCutShort = false
  /** When its first port was tried. */
  firstProbeMs = 0
  /** While nothing is known of it, its silent ports wait until then for signs of life. */
  darkUntilMs: number | undefined
  /** After that all of them are tried once more: they are few. */
  isAskedAgain = false
  /** Of those, the ones that are asked meanwhile. */
  readonly darkSample = new Set<number>()
  /** When its round-trip time became known. */
  distanceKnownMs = 0
  /** Kept by `HostLiveness`, as the next two are. Silent: waited for. Gone: no longer. */
  liveness: 'responsive' | 'silent' | 'gone' = 'responsive'
  lastAnswerMs = 0
  /** When a reference probe was sent to it. */
  lastReferenceMs = Number.NEGATIVE_INFINITY
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
  /** The same by time: of open ports, and of those that refuse. */
  #openLog: LossLog | undefined
  #refusingLog: LossLog | undefined
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

  /** Its answers take longer than what is waited for one of a host never heard. */
  get isFar(): boolean {
    return this.rtt.smoothedMs > limits.timeout.initialMs
  }

  /** Nothing of it can be asked again whose answer is known, so that nobody can tell whether what is sent to it arrives. */
  get isDark(): boolean {
    return this.openCount === 0 && !this.hasReferencePorts
  }

  /** Ports that answered, or could not be asked at all. */
  get answeredCount(): number {
    return this.order.length - this.unresolved - this.silentCount
  }

  /** Too little is known of what it loses to believe its silence. */
  get needsReferences(): boolean {
    return this.usualLoss(false).sent < limits.history.enoughProbes
  }

  /** Something was heard from a port of it, if only that it is rejected. */
  get hasAnswered(): boolean {
    return this.#anyAtFirst > 0 || this.openCount > 0 || this.hasReferencePorts
  }

  /** Open ports that are expected to be among those given up. */
  get expectedMissed(): number {
    if (this.silentCount === 0) return 0
    const { openAnyway, missedOfUnheard } = limits.scan
    const missed = ((this.openCount + openAnyway) * this.doubtSum) / this.silentCount
    return Math.min(this.silentCount, this.hasAnswered ? missed : Math.max(missed, missedOfUnheard))
  }

  /** What its silent ports' result is founded on. */
  get evidence(): HostEvidence {
    const { expectedMissed, host, silentCount: silent, maxAttempts: attempts } = this
    const { sent, lost } = this.usualLoss(false)
    const references = Math.round(Math.max(0, sent - limits.host.priorAttempts))
    const doubt = this.#doubt(lost / sent)
    return {
      host,
      silent,
      attempts,
      references,
      lossShare: lost / sent,
      expectedMissed,
      ...(doubt !== undefined && { doubt }),
    }
  }

  #doubt(lossShare: number): DoubtReason | undefined {
    if (this.expectedMissed < limits.scan.missChance) return undefined
    if (!this.hasAnswered) return 'unheard'
    if (this.isCutShort) return 'time-up'
    return lossShare > limits.loss.tolerableShare ? 'lossy' : 'little-evidence'
  }

  /** A port is given up; `doubt`: the chance that all attempts were lost, if it is open. */
  giveUp(doubt: number, attempts: number): void {
    this.silentCount++
    this.doubtSum += doubt
    this.maxAttempts = Math.max(this.maxAttempts, attempts)
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
   * Takes up what was sent to it in one interval, once all answers are in. Counted one by one, losses would lag behind: an answer is
   * known after a round trip, a loss after a timeout.
   */
  recordInterval({ startMs, endMs }: MeasurementInterval, { open, refusing, first }: HostSamples): void {
    this.#addLoss(open.sent, open.missed, true)
    this.#addLoss(refusing.sent, refusing.missed, false)
    // An answer to a first attempt shows that something passed then, if not how much.
    const heard = first.answered > 0 ? limits.history.heardProbes : 0
    if (open.sent + heard > 0) {
      this.#openLog ??= new LossLog()
      this.#openLog.add(startMs, endMs, open.sent + heard, open.missed)
    }
    const counted = isSelfMeasuring(first) ? first : undefined
    const sent = refusing.sent + (counted?.expected ?? 0)
    if (sent === 0) return
    // How many first attempts are expected to be answered was learned with the usual loss: only more than that is missed.
    const usual = this.usualLoss(false)
    const missed = (counted?.missing ?? 0) + ((counted?.expected ?? 0) * usual.lost) / usual.sent
    this.#refusingLog ??= new LossLog()
    this.#refusingLog.add(startMs, endMs, sent, refusing.missed + missed)
  }

  /** A port was open at a later attempt: the one made at that time was lost. */
  recordLost(atMs: number): void {
    this.#openLog ??= new LossLog()
    this.#openLog.addLost(atMs)
  }

  /**
   * What was lost about that time: of open ports, and of those that refuse only where the open ones say too little, as refusals are often
   * limited. `openOnly`: it is known that they are.
   */
  lossAround(atMs: number, openOnly: boolean): LossCount {
    const open = this.#openLog?.around(atMs)
    if (open !== undefined && open.sent >= limits.history.minProbes) return open
    const refusing = openOnly ? undefined : this.#refusingLog?.around(atMs)
    return { sent: (open?.sent ?? 0) + (refusing?.sent ?? 0), lost: (open?.lost ?? 0) + (refusing?.lost ?? 0) }
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

  /**
   * What was lost of all attempts at ports that answer, with what is assumed before anything is known. `openOnly`: its refusals prove
   * nothing, as they are limited; nor do they where open ports say enough.
   */
  usualLoss(openOnly: boolean): LossCount {
    const isEnough = (this.#openLoss?.sent ?? 0) >= limits.history.enoughProbes
    return (openOnly || isEnough ? this.#openLoss : this.#anyLoss) ?? unknownLossRate
  }
}

/** Attempts made and lost, with a prior until there is experience (beta distribution), and old experience counting less. */
class LossRate implements LossCount {
  #attempts: number = limits.host.priorAttempts
  #lost = limits.host.priorAttempts * limits.host.priorLossShare

  get sent(): number {
    return this.#attempts
  }

  get lost(): number {
    return this.#lost
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
    // The last ones are kept: with none left nobody could tell what arrives.
    if (misses >= limits.host.maxMisses && othersAnswer && this.size > limits.host.minReferencePorts) this.drop(port)
  }

  /** It no longer is what it was known for. */
  drop(port: number): void {
    const at = this.#ports.indexOf(port)
    if (at === -1) return
    this.#ports.splice(at, 1)
    this.#misses.splice(at, 1)
  }
}
