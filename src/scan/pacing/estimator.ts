import { MeasurementInterval } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { LossHistory } from './loss-history.ts'
import type { HostQueue, Probe } from './probe-queue.ts'
import { type QueueAdvice, QueueingDelay } from './queueing-delay.ts'
import type { RateControl } from './rate-control.ts'
import { HostRtt } from './rtt.ts'

/*
 * Turns single answers into measurements. The scan is cut into measurement intervals of about half a round trip; each is evaluated when
 * every answer to it should be in by the round-trip times of its hosts, in the order in which they were sent. The rate control decides by
 * it, and the hosts' answer shares and loss rates are learned from it. An interval of which nearly all answers are in early makes the
 * rate grow at once (early acknowledgement), so that growth is as fast as round trips are and not as slow as timeouts.
 */

/** Cuts the scan into intervals, evaluates them, and takes up what the times of answers say. */
export class Estimator {
  readonly history = new LossHistory()
  readonly #control: RateControl
  readonly #hosts: HostQueue
  /** Round-trip time of all hosts together. */
  readonly #rtt = new HostRtt()
  readonly #queue = new QueueingDelay()
  /** Ended, with answers that may still come; oldest first. */
  readonly #pending: MeasurementInterval[] = []
  readonly #acknowledgedEarly = new Set<MeasurementInterval>()
  #current: MeasurementInterval
  #seenMs: number
  #lastMs: number

  constructor(control: RateControl, hosts: HostQueue, nowMs: number) {
    this.#control = control
    this.#hosts = hosts
    this.#current = new MeasurementInterval(0, nowMs)
    this.#seenMs = nowMs
    this.#lastMs = nowMs
  }

  /** The interval that what is sent now belongs to. */
  get current(): MeasurementInterval {
    return this.#current
  }

  /** An answer came; `sent` probes were sent so far. */
  recordAnswer(probe: Probe, rttMs: number, nowMs: number, sent: number): void {
    const { target, interval, purpose, punctualMs, serial } = probe
    const { rtt } = target
    if (!rtt.sample(rttMs)) return
    if (rtt.samples === 1) target.distanceKnownMs = nowMs
    this.#rtt.sample(rttMs)
    if (interval.isEvaluated) this.#control.answeredLate(interval.index)
    else interval.recordAnswer(target.number, purpose, rttMs > punctualMs)
    const excessMs = rtt.excessMs(rttMs)
    const { unexplainedExcessMs } = rtt
    interval.recordDelay(excessMs > unexplainedExcessMs * limits.interval.delayedShare)
    const delay = { serial, host: target.number, sentMs: nowMs - rttMs, excessMs, unexplainedExcessMs }
    this.#heedQueue(this.#queue.record(delay, nowMs, sent), nowMs)
  }

  /** Time has passed; `isIdle`: there is nothing to send, so that the interval need not go on; all that had happened by `seenMs` was taken up. */
  advance(nowMs: number, seenMs: number, isIdle = false): void {
    if (this.#isCurrentLongEnough(nowMs, isIdle)) this.#cut(nowMs)
    for (const interval of this.#pending)
      if (!this.#acknowledgedEarly.has(interval) && isAcknowledgedEarly(interval)) {
        this.#acknowledgedEarly.add(interval)
        this.#control.acknowledgeEarly(interval)
      }
    this.#seenMs = Math.min(this.#lastMs, seenMs)
    for (let first = this.#pending[0]; first !== undefined && this.#isComplete(first); first = this.#pending[0]) {
      this.#pending.shift()
      this.#evaluate(first, nowMs)
    }
    this.#lastMs = nowMs
    this.#heedQueue(this.#queue.advance(nowMs), nowMs)
  }

  #isCurrentLongEnough(nowMs: number, isIdle: boolean): boolean {
    const { sent, startMs, expected, index } = this.#current
    const { minSpanMs, maxSpanMs, minExpected, firstProbes } = limits.interval
    const ageMs = nowMs - startMs
    const spanMs = Math.min(Math.max(this.#rtt.smoothedMs / 2, minSpanMs), maxSpanMs)
    const isEnough = isIdle || expected >= minExpected || ageMs >= 2 * maxSpanMs || (index === 0 && sent >= firstProbes)
    return sent > 0 && ageMs >= spanMs && isEnough
  }

  #cut(nowMs: number): void {
    const interval = this.#current
    interval.endMs = nowMs
    if (interval.sent > 0) this.#pending.push(interval)
    this.#current = new MeasurementInterval(interval.index + 1, nowMs)
    this.history.begin(interval.index + 1, nowMs)
  }

  /** The answers to all of its probes should have come, by what is known of its hosts now. */
  #isComplete(interval: MeasurementInterval): boolean {
    const { minWaitMs, unknownHostWaitMs } = limits.interval
    if (interval.isAnswered) return true
    // What was due when this was last looked at has been taken up since: a stalled machine is no lossy path.
    if (interval.endMs + minWaitMs >= this.#seenMs) return false
    for (const host of interval.hosts.keys()) {
      const rtt = this.#hosts.get(host)?.rtt
      const waitMs = rtt === undefined || rtt.samples === 0 ? unknownHostWaitMs : rtt.expectedMs
      if (interval.endMs + waitMs >= this.#seenMs) return false
    }
    return true
  }

  #evaluate(interval: MeasurementInterval, nowMs: number): void {
    interval.isEvaluated = true
    this.history.record(interval, this.#control.silentHosts.refusalsCount)
    for (const [number, samples] of interval.hosts) this.#hosts.get(number)?.recordInterval(interval, samples)
    const wasAsking = this.#control.isAsking
    this.#decide(interval, nowMs)
    if (!wasAsking && !this.#control.isAsking) this.#learnAnswerShares(interval)
  }

  /** Lets the rate control decide, and draws the consequences of a changed rate. */
  #decide(interval: MeasurementInterval, nowMs: number): void {
    const { isAsking: wasAsking, rate: oldRate, limit: oldLimit } = this.#control
    const mayGrow = !this.#acknowledgedEarly.delete(interval)
    this.#control.hasUntried = this.#hosts.untried > 0
    this.#control.evaluate(interval, this.#current.index + 1, nowMs, mayGrow)
    const { isAsking, rate, limit } = this.#control
    // What the limit dropped until it was found was not lost at random.
    if (limit !== undefined && limit !== oldLimit) for (const host of this.#hosts.active) host.forgetLoss()
    if (wasAsking !== isAsking || rate < oldRate) this.#cut(nowMs)
    // The question is answered: from here on other shares of new ports may answer than before.
    if (wasAsking && !isAsking) for (const host of interval.hosts.keys()) this.#hosts.get(host)?.forgetAnswerShare()
  }

  #learnAnswerShares(interval: MeasurementInterval): void {
    const { limit = Number.POSITIVE_INFINITY, rate } = this.#control
    if (interval.rate > limit * limits.limit.refutedFactor) return
    // What is dropped for want of room says nothing of the ports.
    const passedShare = Math.min(1, limit / rate)
    for (const [number, { first }] of interval.hosts) {
      const host = this.#hosts.get(number)
      if (host !== undefined && host.rtt.samples > 0) host.learnAnswerShare(first.sent * passedShare, first.answered)
    }
  }

  #heedQueue(advice: QueueAdvice | undefined, nowMs: number): void {
    if (advice === undefined) return
    this.#control.heedQueue(advice, nowMs)
    if (advice.kind === 'slower-path') for (const { rtt } of this.#hosts.active) rtt.forgetLeast()
  }
}

/** No need to wait for the last answers when nearly all have come: so the rate grows with the answers, as TCP's does. */
function isAcknowledgedEarly(interval: MeasurementInterval): boolean {
  const { earlyMinExpected, earlyShare } = limits.interval
  // Asked of every pending interval every few milliseconds: what goes through all hosts comes last.
  if (interval.expected < earlyMinExpected || interval.answered <= interval.expected * earlyShare) return false
  const everyone = (): boolean => true
  const first = interval.sum('first', everyone)
  return first.deliveredShare > earlyShare && interval.sum('reference', everyone).deliveredShare > earlyShare
}
