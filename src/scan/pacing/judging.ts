import { Epoch } from './epoch.ts'
import type { HostTable } from './host-table.ts'
import { LossHistory } from './loss-history.ts'
import type { RateControl } from './rate-control.ts'

/** Cuts the scan into epochs, waits until the answers to each are in, and lets the rate control judge it. */
export class Judging {
  readonly history = new LossHistory()
  readonly #control: RateControl
  readonly #table: HostTable
  readonly #ripening: Epoch[] = []
  readonly #hastened = new Set<Epoch>()
  #current: Epoch
  #seenMs: number
  #lastMs: number

  constructor(control: RateControl, table: HostTable, nowMs: number) {
    this.#control = control
    this.#table = table
    this.#current = new Epoch(0, nowMs)
    this.#seenMs = nowMs
    this.#lastMs = nowMs
  }

  /** The epoch that what is sent now belongs to. */
  get current(): Epoch {
    return this.#current
  }

  /** Time has passed; all that had happened by `seenMs` was settled; `rttMs` is what answers take at present. */
  advance(nowMs: number, seenMs: number, rttMs: number): void {
    const { sent, startMs, expected, index } = this.#current
    const ageMs = nowMs - startMs
    const spanMs = Math.min(Math.max(rttMs / 2, MIN_SPAN_MS), MAX_SPAN_MS)
    const isEnough = expected >= ENOUGH || ageMs >= 2 * MAX_SPAN_MS || (index === 0 && sent >= FIRST_PROBES)
    if (sent > 0 && ageMs >= spanMs && isEnough) this.#cut(nowMs)
    for (const epoch of this.#ripening)
      if (!this.#hastened.has(epoch) && answersAlready(epoch)) {
        this.#hastened.add(epoch)
        this.#control.hasten(epoch)
      }
    this.#seenMs = Math.min(this.#lastMs, seenMs)
    for (let first = this.#ripening[0]; first !== undefined && this.#isRipe(first); first = this.#ripening[0]) {
      this.#ripening.shift()
      this.#ripe(first, nowMs)
    }
    this.#lastMs = nowMs
  }

  /** The answers to all of its probes should have come, by what is known of its hosts now. */
  #isRipe(epoch: Epoch): boolean {
    if (epoch.isAnswered) return true
    // What was due when this was last looked at has been taken up since: a stalled machine is no lossy path.
    if (epoch.endMs + MIN_WAIT_MS >= this.#seenMs) return false
    for (const host of epoch.tallies.keys()) {
      const rtt = this.#table.get(host)?.rtt
      const waitMs = rtt === undefined || rtt.samples === 0 ? STRANGER_MS : rtt.expectedMs
      if (epoch.endMs + waitMs >= this.#seenMs) return false
    }
    return true
  }

  #ripe(epoch: Epoch, nowMs: number): void {
    epoch.isJudged = true
    this.history.note(epoch, (host) => !this.#control.limitsRefusals(host))
    for (const [host, { open, refusing }] of epoch.tallies) this.#table.get(host)?.canaries(open, refusing)
    const wasAsking = this.#control.isAsking
    this.#judge(epoch, nowMs)
    const { limit = Number.POSITIVE_INFINITY, isAsking, rate } = this.#control
    if (wasAsking || isAsking || epoch.rate > limit * 1.5) return
    // What is dropped for want of room says nothing of the ports.
    const passed = Math.min(1, limit / rate)
    for (const [host, { fresh }] of epoch.tallies) {
      const track = this.#table.get(host)
      if (track !== undefined && track.rtt.samples > 0) track.learnShare(fresh.sent * passed, fresh.answered)
    }
  }

  #judge(epoch: Epoch, nowMs: number): void {
    const wasAsking = this.#control.isAsking
    const { rate: wasRate, limit: wasLimit } = this.#control
    this.#control.judge(epoch, this.#current.index + 1, nowMs, !this.#hastened.delete(epoch))
    const { isAsking, rate, limit } = this.#control
    // What the limit dropped until it was found was not lost at random.
    if (limit !== undefined && limit !== wasLimit) for (const track of this.#table.active) track.forgetLoss()
    if (wasAsking !== isAsking || rate < wasRate) this.#cut(nowMs)
    // The question is answered: from here on other shares of fresh ports may answer than before.
    if (wasAsking && !isAsking) for (const host of epoch.tallies.keys()) this.#table.get(host)?.forgetShare()
  }

  #cut(nowMs: number): void {
    const epoch = this.#current
    epoch.endMs = nowMs
    if (epoch.sent > 0) this.#ripening.push(epoch)
    this.#current = new Epoch(epoch.index + 1, nowMs)
  }
}

/** No need to wait for the last answers when nearly all have come: so the rate grows with the answers, as TCP's does. */
function answersAlready(epoch: Epoch): boolean {
  // Asked of every epoch every few milliseconds: what goes through all hosts comes last.
  if (epoch.expected < 4 || epoch.answers <= epoch.expected * NEARLY_ALL) return false
  return epoch.sum('fresh', everyone).ratio > NEARLY_ALL && epoch.sum('canaries', everyone).ratio > NEARLY_ALL
}

const NEARLY_ALL = 0.93

const everyone = (): boolean => true
/** How long the answers of a host are awaited from which none has come yet. */
const STRANGER_MS = 200
/** Below this nothing is late: a busy event loop takes as long. It costs no speed, as growth does not wait for it. */
const MIN_WAIT_MS = 25
const MIN_SPAN_MS = 5
const MAX_SPAN_MS = 100
/** The first epoch ends after so many, to learn early which share of the ports answers. */
const FIRST_PROBES = 24
/** Expected answers after which an epoch need not go on. */
const ENOUGH = 8
