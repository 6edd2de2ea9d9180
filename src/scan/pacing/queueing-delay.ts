import { pacingLimits as limits } from './limits.ts'

/*
 * Notices a queue that fills on the way (bufferbloat): everything is answered, but ever later, until it is too late for anyone who waits.
 * Loss tells of it too late, as a large buffer drops nothing for seconds. As in CoDel (RFC 8289), what counts is the least delay of a
 * window of answers: jitter delays some of them, a standing queue all. Between the fastest answers of two windows the number of probes
 * sent, divided by the time in which their answers came, is the rate that the queue serves (packet-train dispersion). Then the rate goes
 * below that, and the delay must fall; where it doesn't, the path became slower and there is no queue.
 */

/** The delay of one answer. */
export interface DelaySample {
  /** The number of its probe among all probes, from 1. */
  readonly serial: number
  /** The host that answered. */
  readonly host: number
  readonly sentMs: number
  /** How much later it came than the fastest of its host. */
  readonly excessMs: number
  /** The excess that no jitter explains. */
  readonly unexplainedExcessMs: number
}

/** What to do about a queue. `servedRate`: probes per second that come out of it. */
export type QueueAdvice =
  | { readonly kind: 'drain' | 'drained'; readonly servedRate: number }
  /** It was no queue: the path became slower. */
  | { readonly kind: 'slower-path' }

/** A queue is given time to drain. */
interface Drain {
  readonly servedRate: number
  /** The last probe sent before. */
  readonly serial: number
  readonly sinceMs: number
  readonly isSecond: boolean
  /** Those that told of it: another host's fastest answer may have waited in the same queue. */
  readonly hosts: ReadonlySet<number>
  first?: DelaySample
}

/** Detects a standing queue by the delay of answers, and tells when it is drained. */
export class QueueingDelay {
  #window: DelaySample[] = []
  #windowStartMs = 0
  /** The fastest of the window before. */
  #previous: DelaySample | undefined
  #drain: Drain | undefined

  /** An answer came; `sent` probes were sent so far. */
  record(sample: DelaySample, nowMs: number, sent: number): QueueAdvice | undefined {
    // What was sent before the rate was lowered says nothing of the lower rate.
    if (this.#drain !== undefined && (sample.serial <= this.#drain.serial || !this.#drain.hosts.has(sample.host)))
      return undefined
    const { windowAnswers, windowMs } = limits.queue
    if (this.#window.length === 0) this.#windowStartMs = nowMs
    this.#window.push(sample)
    if (this.#window.length < windowAnswers || nowMs - this.#windowStartMs < windowMs) return undefined
    const window = this.#window
    this.#window = []
    const fastest = window.reduce((least, one) => (one.excessMs < least.excessMs ? one : least))
    if (this.#drain !== undefined) return this.#checkDrain(this.#drain, fastest, nowMs, sent)
    const previous = this.#previous
    this.#previous = fastest
    const isStanding = window.every(({ excessMs, unexplainedExcessMs }) => excessMs >= unexplainedExcessMs)
    if (previous === undefined || !isStanding) return undefined
    const spanMs = fastest.sentMs - previous.sentMs + fastest.excessMs - previous.excessMs
    if (spanMs <= 0 || fastest.serial <= previous.serial) return undefined
    const servedRate = ((fastest.serial - previous.serial) * 1000) / spanMs
    // Nothing is that slow: the path became slower while little was sent.
    if (servedRate < limits.rate.minRate) return undefined
    const hosts = new Set(window.map(({ host }) => host))
    this.#drain = { servedRate, serial: sent, sinceMs: nowMs, isSecond: false, hosts }
    return { kind: 'drain', servedRate }
  }

  /** Time has passed: a queue is not waited for when nothing tells of it any more. */
  advance(nowMs: number): QueueAdvice | undefined {
    if (this.#drain === undefined || nowMs - this.#drain.sinceMs < limits.queue.maxDrainMs) return undefined
    return this.#end({ kind: 'drained', servedRate: this.#drain.servedRate })
  }

  #checkDrain(drain: Drain, fastest: DelaySample, nowMs: number, sent: number): QueueAdvice | undefined {
    const { drainedShare, minDrainShare, watchMs } = limits.queue
    if (fastest.excessMs < fastest.unexplainedExcessMs * drainedShare)
      return this.#end({ kind: 'drained', servedRate: drain.servedRate })
    drain.first ??= fastest
    const watchedMs = fastest.sentMs - drain.first.sentMs
    const isFalling = drain.first.excessMs - fastest.excessMs > watchedMs * minDrainShare
    if (watchedMs < watchMs || isFalling) return undefined
    if (drain.isSecond) return this.#end({ kind: 'slower-path' })
    // A queue that is full drops what is too much, and seemed to serve all that was sent.
    const servedRate = drain.servedRate / 2
    this.#drain = { servedRate, serial: sent, sinceMs: nowMs, isSecond: true, hosts: drain.hosts }
    return { kind: 'drain', servedRate }
  }

  #end(advice: QueueAdvice): QueueAdvice {
    this.#drain = undefined
    this.#previous = undefined
    this.#window = []
    return advice
  }
}
