import type { MeasurementInterval } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { isSelfMeasuring, type RefusalsCount } from './loss-analysis.ts'

/*
 * How lossy was the path when a probe was sent? An average over the whole scan would call a port filtered that was asked during an outage,
 * or while a limit dropped half of all SYNs. So what reference probes show is kept by time: of all hosts together (`LossHistory`, by
 * measurement interval), and of each host (`LossLog`), as limits and outages are often its own.
 */

/** Probes that should have been answered, and those of them that were not. */
export interface LossCount {
  readonly sent: number
  readonly lost: number
}

const nothing: LossCount = { sent: 0, lost: 0 }

/** All hosts together, by interval. Twenty bytes an interval. */
export class LossHistory {
  #sent = new Float32Array(256)
  #lost = new Float32Array(256)
  #rates = new Float32Array(256)
  #startMs = new Float64Array(256)

  #evaluated = -1

  /** The answers to what was sent in it are in. */
  isKnown(interval: number): boolean {
    return interval <= this.#evaluated
  }

  /** Takes up an interval whose answers are in. */
  record(interval: MeasurementInterval, refusalsCount: RefusalsCount): void {
    const { index } = interval
    this.begin(index, interval.startMs)
    this.#evaluated = index
    const { sent, missed } = interval.sum('reference', refusalsCount)
    const first = interval.sum('first', refusalsCount)
    // Where nearly all ports answer there are few reference probes, and first attempts say as much.
    const firstCounts = isSelfMeasuring(first)
    this.#sent[index] = sent + (firstCounts ? first.expected : 0)
    this.#lost[index] = missed + (firstCounts ? first.missing : 0)
    this.#rates[index] = interval.rate
  }

  /** An interval begins. */
  begin(index: number, startMs: number): void {
    if (index >= this.#sent.length) this.#grow(index)
    this.#startMs[index] = startMs
  }

  /** When it began. */
  startMs(interval: number): number {
    return this.#startMs[interval] ?? 0
  }

  /** What was expected and lost in it and, while that is little, in its neighbours. */
  around(interval: number): LossCount {
    const { minProbes, neighbours } = limits.history
    let sent = this.#sent[interval] ?? 0
    let lost = this.#lost[interval] ?? 0
    for (let away = 1; away <= neighbours && sent < minProbes; away++) {
      sent += (this.#sent[interval - away] ?? 0) + (this.#sent[interval + away] ?? 0)
      lost += (this.#lost[interval - away] ?? 0) + (this.#lost[interval + away] ?? 0)
    }
    return sent === 0 ? nothing : { sent, lost }
  }

  /** The share of what was sent in it that a limit (probes per second) found since would have dropped. */
  droppedShare(interval: number, limit: number | undefined): number {
    const rate = this.#rates[interval] ?? 0
    return limit === undefined || rate <= limit ? 0 : 1 - limit / rate
  }

  #grow(index: number): void {
    const length = Math.max(index + 1, this.#sent.length * 2)
    const grown = <T extends Float32Array | Float64Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#sent = grown(this.#sent, new Float32Array(length))
    this.#lost = grown(this.#lost, new Float32Array(length))
    this.#rates = grown(this.#rates, new Float32Array(length))
    this.#startMs = grown(this.#startMs, new Float64Array(length))
  }
}

/** What is known of the time of an attempt at a silent port. */
export interface LossEvidence {
  /** The attempt's number, from 1. */
  readonly attempt: number
  /** What its host lost at about that time, and all hosts together. */
  readonly own: LossCount
  readonly all: LossCount
  /** What its host usually loses, with what is assumed before anything is known. */
  readonly usual: LossCount
  /** What a limit that was found since would have dropped. */
  readonly droppedShare: number
}

/**
 * The chance that such an attempt was lost, if the port is open and the attempts before it were lost as well: what the host lost then,
 * weighed against what it usually loses; where nothing of the host is known of that time, what all lost; where nothing at all is known,
 * that an outage or a limit is as likely as experience has it. Each earlier loss makes a further one likelier, the more so the less is known
 * (the moments of a beta distribution), so that little evidence gives a wide bound.
 */
export function lossChance({ attempt, own, all, usual, droppedShare }: LossEvidence): number {
  const { priorProbes, minProbes, unknownLossShare, unknownAgainShare } = limits.history
  // What was lost then is part of what is usually lost, and must not count twice.
  const { priorAttempts, priorLossShare } = limits.host
  const otherwise = Math.max(priorAttempts, usual.sent - own.sent)
  const usualShare = Math.max(priorAttempts * priorLossShare, usual.lost - own.lost) / otherwise
  const unknownShare = own.sent > 0 ? usualShare : attempt > 1 ? unknownAgainShare : unknownLossShare
  const elsewhere = (all.lost + priorProbes * (all.sent > 0 ? usualShare : unknownShare)) / (all.sent + priorProbes)
  const prior = own.sent < priorProbes ? Math.max(usualShare, elsewhere) : usualShare
  const weight = own.sent + priorProbes
  const before = ((attempt - 1) * weight) / Math.max(weight, usual.sent)
  const chance = (own.lost + priorProbes * prior + before) / (weight + before)
  return Math.max(chance, own.sent < minProbes ? droppedShare : 0)
}

/** What was lost during some time. */
interface LossSpan {
  fromMs: number
  toMs: number
  sent: number
  lost: number
}

/** One host's losses by time. When it grows too long, neighbouring spans become one: older ones become coarse. */
export class LossLog {
  #spans: LossSpan[] = []

  /** How many spans are kept. */
  get spanCount(): number {
    return this.#spans.length
  }

  /** Probes sent between two times; spans are recorded in ascending order. */
  add(fromMs: number, toMs: number, sent: number, lost: number): void {
    if (sent === 0) return
    this.#spans.push({ fromMs, toMs, sent, lost })
    if (this.#spans.length > limits.history.maxSpans) this.#coarsen()
  }

  /** An attempt made at that time turned out to have been lost. */
  addLost(atMs: number): void {
    const span = this.#spans[this.#indexOf(atMs)]
    if (span !== undefined && span.fromMs <= atMs && atMs <= span.toMs) {
      span.sent++
      span.lost++
      return
    }
    const at = this.#indexOf(atMs)
    const after = span !== undefined && span.fromMs <= atMs ? at + 1 : at
    this.#spans.splice(after, 0, { fromMs: atMs, toMs: atMs, sent: 1, lost: 1 })
    if (this.#spans.length > limits.history.maxSpans) this.#coarsen()
  }

  /** The nearest in time, until they say enough or are too far away to tell of it. */
  around(atMs: number): LossCount {
    const { reachMs, enoughProbes } = limits.history
    let before = this.#indexOf(atMs)
    let after = before + 1
    let sent = 0
    let lost = 0
    while (sent < enoughProbes) {
      const earlier = this.#spans[before]
      const later = this.#spans[after]
      const earlierMs = earlier === undefined ? Number.POSITIVE_INFINITY : distanceMs(earlier, atMs)
      const laterMs = later === undefined ? Number.POSITIVE_INFINITY : distanceMs(later, atMs)
      if (Math.min(earlierMs, laterMs) > reachMs) break
      const span = earlierMs <= laterMs ? earlier : later
      if (earlierMs <= laterMs) before--
      else after++
      sent += span?.sent ?? 0
      lost += span?.lost ?? 0
    }
    return sent === 0 ? nothing : { sent, lost }
  }

  /** The last span that begins no later, or the first. */
  #indexOf(atMs: number): number {
    let from = 0
    let to = this.#spans.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#spans[middle]?.fromMs ?? 0) <= atMs) from = middle + 1
      else to = middle
    }
    return Math.max(0, from - 1)
  }

  #coarsen(): void {
    const coarse: LossSpan[] = []
    for (let at = 0; at < this.#spans.length; at += 2) {
      const [one, two] = [this.#spans[at], this.#spans[at + 1]]
      if (one === undefined) continue
      if (two === undefined) coarse.push(one)
      else
        coarse.push({
          fromMs: one.fromMs,
          toMs: Math.max(one.toMs, two.toMs),
          sent: one.sent + two.sent,
          lost: one.lost + two.lost,
        })
    }
    this.#spans = coarse
  }
}

function distanceMs({ fromMs, toMs }: LossSpan, atMs: number): number {
  return atMs < fromMs ? fromMs - atMs : Math.max(0, atMs - toMs)
}
