import type { HostTable } from './host-table.ts'
import type { Probe } from './probe.ts'
import type { RateControl } from './rate-control.ts'
import { RttEstimator } from './rtt.ts'
import { type Advice, StandingQueue } from './standing-queue.ts'

/** Takes up what the times of answers say: of each host, of all together, and of a queue on the way. */
export class Timing {
  readonly #control: RateControl
  readonly #table: HostTable
  readonly #rtt = new RttEstimator()
  readonly #queue = new StandingQueue()

  constructor(control: RateControl, table: HostTable) {
    this.#control = control
    this.#table = table
  }

  /** What answers take at present, whichever host they are from. */
  get rttMs(): number {
    return this.#rtt.smoothedMs
  }

  /** `sent`: probes sent so far. */
  answered({ track, epoch, purpose, patienceMs, serial }: Probe, rttMs: number, nowMs: number, sent: number): void {
    const { rtt } = track
    if (!rtt.sample(rttMs)) return
    this.#rtt.sample(rttMs)
    if (epoch.isJudged) this.#control.late(epoch.index)
    else epoch.answered(track.number, purpose, rttMs > patienceMs)
    const excessMs = rtt.excessMs(rttMs)
    const { muchMs } = rtt
    epoch.timed(excessMs > muchMs / 3)
    this.#heed(this.#queue.heard({ serial, sentMs: nowMs - rttMs, excessMs, muchMs }, nowMs, sent), nowMs)
  }

  advance(nowMs: number): void {
    this.#heed(this.#queue.advance(nowMs), nowMs)
  }

  #heed(advice: Advice | undefined, nowMs: number): void {
    if (advice === undefined) return
    this.#control.queue(advice, nowMs)
    if (advice.kind === 'slower-path') for (const { rtt } of this.#table.active) rtt.forgetLeast()
  }
}
