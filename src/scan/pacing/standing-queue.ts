/** An answer: to which of all probes, when that was sent, and by how much it was later than the fastest of its host. */
export interface Arrival {
  readonly serial: number
  readonly sentMs: number
  readonly excessMs: number
  /** The excess that no jitter explains. */
  readonly muchMs: number
}

/** `served`: probes per second that come out of the queue. */
export type Advice =
  | { readonly kind: 'drain' | 'drained'; readonly served: number }
  /** It was no queue: the path became slower. */
  | { readonly kind: 'slower-path' }

/** A queue is given time: what it serves, and the last probe sent before. */
interface Drain {
  readonly served: number
  readonly serial: number
  readonly sinceMs: number
  readonly isSecond: boolean
  first?: Arrival
}

/**
 * Notices a queue that fills on the way: everything is answered, but ever later, until it is too late for anyone who
 * waits. Loss tells of it too late, as a large buffer drops nothing for seconds. What counts is the least delay of a
 * group of answers, as in CoDel (RFC 8289): jitter delays some of them, a queue all.
 */
export class StandingQueue {
  #group: Arrival[] = []
  #groupMs = 0
  /** The fastest of the group before. */
  #previous: Arrival | undefined
  #drain: Drain | undefined

  /** An answer came; `sent` probes were sent so far. */
  heard(arrival: Arrival, nowMs: number, sent: number): Advice | undefined {
    // What was sent before the rate was lowered says nothing of the lower rate.
    if (this.#drain !== undefined && arrival.serial <= this.#drain.serial) return undefined
    if (this.#group.length === 0) this.#groupMs = nowMs
    this.#group.push(arrival)
    if (this.#group.length < GROUP || nowMs - this.#groupMs < GROUP_MS) return undefined
    const group = this.#group
    this.#group = []
    const fastest = group.reduce((least, one) => (one.excessMs < least.excessMs ? one : least))
    if (this.#drain !== undefined) return this.#isGone(this.#drain, fastest, nowMs, sent)
    const previous = this.#previous
    this.#previous = fastest
    if (previous === undefined || group.some(({ excessMs, muchMs }) => excessMs < muchMs)) return undefined
    const spanMs = fastest.sentMs - previous.sentMs + fastest.excessMs - previous.excessMs
    if (spanMs <= 0 || fastest.serial <= previous.serial) return undefined
    const served = ((fastest.serial - previous.serial) * 1000) / spanMs
    this.#drain = { served, serial: sent, sinceMs: nowMs, isSecond: false }
    return { kind: 'drain', served }
  }

  /** A queue is not waited for when nothing tells of it any more. */
  advance(nowMs: number): Advice | undefined {
    if (this.#drain === undefined || nowMs - this.#drain.sinceMs < LONGEST_MS) return undefined
    return this.#end({ kind: 'slower-path' })
  }

  #isGone(drain: Drain, fastest: Arrival, nowMs: number, sent: number): Advice | undefined {
    if (fastest.excessMs < fastest.muchMs * GONE) return this.#end({ kind: 'drained', served: drain.served })
    drain.first ??= fastest
    const sentMs = fastest.sentMs - drain.first.sentMs
    const isFalling = drain.first.excessMs - fastest.excessMs > sentMs * FALLS
    if (sentMs < WATCH_MS || isFalling) return undefined
    if (drain.isSecond) return this.#end({ kind: 'slower-path' })
    // A queue that is full drops what is too much, and seemed to serve all that was sent.
    const served = drain.served / 2
    this.#drain = { served, serial: sent, sinceMs: nowMs, isSecond: true }
    return { kind: 'drain', served }
  }

  #end(advice: Advice): Advice {
    this.#drain = undefined
    this.#previous = undefined
    this.#group = []
    return advice
  }
}

/** Answers whose least delay is taken for the queue's, and how long they must have taken to come. */
const GROUP = 16
const GROUP_MS = 40
/** Of what was too much, what is left when the queue is taken for gone. */
const GONE = 0.3
/** At a third of what is served a queue becomes shorter by two thirds of the time; by a tenth it is no queue. */
const FALLS = 0.1
const WATCH_MS = 400
const LONGEST_MS = 8_000
