import type { PortResult, PortState, ScanProgress, ScanSummary } from './types.ts'

/** Counts the answers as they come. */
export class ResultTally {
  readonly #counts: Record<PortState, number> = { open: 0, closed: 0, filtered: 0, unreachable: 0, error: 0 }
  readonly #total: number
  readonly #startedMs: number
  #done = 0
  #rate = 0
  #ratedMs: number
  #ratedProbes = 0

  constructor(total: number, startedMs: number) {
    this.#total = total
    this.#startedMs = startedMs
    this.#ratedMs = startedMs
  }

  count({ state }: PortResult): void {
    this.#counts[state]++
    this.#done++
  }

  /** `waiting`: ports that were silent and will be asked again; they tell how much is left to send. */
  progress(nowMs: number, probes: number, waiting: number): ScanProgress {
    const spanMs = nowMs - this.#ratedMs
    if (spanMs > 0) {
      const latest = ((probes - this.#ratedProbes) * 1000) / spanMs
      this.#rate = this.#ratedProbes === 0 ? latest : this.#rate * 0.7 + latest * 0.3
      this.#ratedMs = nowMs
      this.#ratedProbes = probes
    }
    const { open, closed, filtered, unreachable, error } = this.#counts
    const shown = { done: this.#done, total: this.#total, open, closed, filtered, failed: unreachable + error }
    const etaMs = this.#eta(waiting)
    return etaMs === undefined ? { ...shown, rate: this.#rate } : { ...shown, rate: this.#rate, etaMs }
  }

  /** What is left to send at the present rate: a port never tried costs what the ones so far have cost. */
  #eta(waiting: number): number | undefined {
    if (this.#rate < 1 || this.#ratedMs - this.#startedMs < 500) return undefined
    const tried = this.#done + waiting
    const untried = this.#total - tried
    const share = tried === 0 ? 0 : waiting / tried
    return ((untried * (1 + share) + waiting) * 1000) / this.#rate
  }

  get summary(): Pick<ScanSummary, 'open' | 'closed' | 'filtered' | 'unreachable' | 'errors' | 'notScanned'> {
    const { error: errors, ...counts } = this.#counts
    return { ...counts, errors, notScanned: this.#total - this.#done }
  }
}
