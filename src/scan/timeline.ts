import { scanLimits } from './limits.ts'

/** How a scan went: intervals of one length from its beginning on, however long it took. */
export interface ScanTimeline {
  readonly intervalMs: number
  readonly intervals: readonly TimelineInterval[]
}

export interface TimelineInterval {
  /** Connection attempts begun; counted ten times a second, and spread evenly in between. */
  readonly probes: number
  /** Ports that answered. */
  readonly answers: number
  /** Of those, the mean and the largest round-trip time; absent when there is none. */
  readonly rttMs?: number
  readonly maxRttMs?: number
}

/** Of a scan that did not begin. */
export const emptyTimeline: ScanTimeline = { intervalMs: scanLimits.timelineIntervalMs, intervals: [] }

/** Gathers a timeline in a fixed number of intervals: when time runs out of them, each two become one. */
export class TimelineRecorder {
  readonly #beganMs: number
  #intervalMs: number = scanLimits.timelineIntervalMs
  /** Intervals that anything was counted in, up to the last. */
  #length = 0
  readonly #probes = new Float64Array(scanLimits.timelineIntervals)
  readonly #answers = new Float64Array(scanLimits.timelineIntervals)
  readonly #rttSumMs = new Float64Array(scanLimits.timelineIntervals)
  readonly #maxRttMs = new Float64Array(scanLimits.timelineIntervals)
  #probedMs: number

  /** Times are in milliseconds of one monotonic clock. */
  constructor(nowMs: number) {
    this.#beganMs = nowMs
    this.#probedMs = nowMs
  }

  /** So many attempts were begun since this was told before. */
  probed(nowMs: number, count: number): void {
    const last = this.#indexAt(nowMs)
    const first = Math.min(this.#indexAt(this.#probedMs), last)
    this.#probedMs = nowMs
    for (let index = first; index <= last; index++) add(this.#probes, index, count / (last - first + 1))
  }

  answered(nowMs: number, rttMs: number): void {
    const index = this.#indexAt(nowMs)
    add(this.#answers, index, 1)
    add(this.#rttSumMs, index, rttMs)
    this.#maxRttMs[index] = Math.max(this.#maxRttMs[index] ?? 0, rttMs)
  }

  #indexAt(nowMs: number): number {
    const sinceMs = Math.max(0, nowMs - this.#beganMs)
    while (sinceMs >= this.#intervalMs * scanLimits.timelineIntervals) this.#halve()
    const index = Math.floor(sinceMs / this.#intervalMs)
    this.#length = Math.max(this.#length, index + 1)
    return index
  }

  #halve(): void {
    const half = scanLimits.timelineIntervals / 2
    for (const sums of [this.#probes, this.#answers, this.#rttSumMs]) {
      for (let index = 0; index < half; index++) sums[index] = (sums[2 * index] ?? 0) + (sums[2 * index + 1] ?? 0)
      sums.fill(0, half)
    }
    const most = this.#maxRttMs
    for (let index = 0; index < half; index++) most[index] = Math.max(most[2 * index] ?? 0, most[2 * index + 1] ?? 0)
    most.fill(0, half)
    this.#length = Math.ceil(this.#length / 2)
    this.#intervalMs *= 2
  }

  get timeline(): ScanTimeline {
    const intervals = Array.from({ length: this.#length }, (_, index): TimelineInterval => {
      const answers = this.#answers[index] ?? 0
      const probes = Math.round(this.#probes[index] ?? 0)
      if (answers === 0) return { probes, answers }
      return { probes, answers, rttMs: (this.#rttSumMs[index] ?? 0) / answers, maxRttMs: this.#maxRttMs[index] ?? 0 }
    })
    return { intervalMs: this.#intervalMs, intervals }
  }
}

function add(sums: Float64Array, index: number, more: number): void {
  sums[index] = (sums[index] ?? 0) + more
}
