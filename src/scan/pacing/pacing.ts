import { limits } from '../../base/limits.ts'
import type { ScanHost } from '../types.ts'
import { Canaries } from './canaries.ts'
import { isAside, isRepeated, type Purpose } from './epoch.ts'
import { HostTable } from './host-table.ts'
import type { HostTrack } from './host-track.ts'
import { Judging } from './judging.ts'
import { Patience } from './patience.ts'
import type { Ending, Probe } from './probe.ts'
import { RateControl } from './rate-control.ts'
import { RetryQueue, type Waiting } from './retry-queue.ts'
import { Shortage } from './shortage.ts'
import { Timing } from './timing.ts'
import { TokenBucket } from './token-bucket.ts'
import { Turned } from './turned.ts'
import { type Told, Vigil } from './vigil.ts'

export interface PacingPlan {
  readonly hosts: Iterable<ScanHost>
  readonly ports: readonly number[]
  /** Fixed by hand; undefined means adaptive. */
  readonly rate?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly retries?: number | undefined
  /** Attempts under way at most. */
  readonly concurrency: number
}

/**
 * What the silence of a port that is given up says. `sure`: the chance that it is open after all is below the limit;
 * `unheard`: nothing, as its host is gone.
 */
export type Trust = 'sure' | 'unsure' | 'unheard'

/** A port that stays silent is given up. */
export type GiveUp = (track: HostTrack, port: number, attempts: number, trust: Trust) => void

/**
 * Decides what to send next and when, from answers, silences and time; it knows no sockets and reads no clock.
 * Call `next` until it gives nothing, `settled` for every probe it gave, and `advance` every few milliseconds.
 */
export class Pacing {
  readonly #plan: PacingPlan
  readonly #giveUp: GiveUp
  readonly #table: HostTable
  readonly #control: RateControl
  readonly #judging: Judging
  readonly #bucket: TokenBucket
  readonly #canaries = new Canaries()
  readonly #vigil: Vigil
  readonly #patience: Patience
  readonly #turned = new Turned()
  readonly #timing: Timing
  readonly #shortage: Shortage
  readonly #silent = new RetryQueue()
  readonly #putBack: Probe[] = []
  readonly #waiting: Waiting = { host: 0, port: 0, attempts: 0, epoch: 0, doubt: 1 }
  /** Finished hosts that the summary speaks of. */
  readonly #marked: HostTrack[] = []
  #inFlight = 0
  #sent = 0
  #hostsWithOpen = 0

  /** `told` hears of hosts that fall silent. */
  constructor(plan: PacingPlan, nowMs: number, giveUp: GiveUp, told: Told) {
    this.#plan = plan
    this.#giveUp = giveUp
    this.#table = new HostTable(plan.hosts, plan.ports)
    this.#control = new RateControl(plan.rate)
    this.#judging = new Judging(this.#control, this.#table, nowMs)
    this.#bucket = new TokenBucket(this.#control.rate, nowMs)
    this.#vigil = new Vigil(nowMs, (track, presence) => {
      if (presence !== 'silent') this.#control.restart()
      told(track, presence)
    })
    this.#timing = new Timing(this.#control, this.#table)
    this.#patience = new Patience(plan.timeoutMs, plan.concurrency)
    this.#shortage = new Shortage(plan.concurrency)
  }

  /** Nothing is left to find out; canaries may still be under way. */
  get isDone(): boolean {
    return this.#table.isDone && this.#turned.isSettled
  }

  /** Probes per second at present. */
  get rate(): number {
    return this.#bucket.rate
  }

  get control(): RateControl {
    return this.#control
  }

  /** Addresses of hosts that behaved in a way the reader of the result must know. */
  hostsThat(behaved: 'limit-refusals' | 'stopped-answering' | 'refuse-open-ports'): readonly string[] {
    if (behaved === 'refuse-open-ports') return [...this.#turned.contradicting].map(({ host }) => host.address)
    const { limiting, deaf } = this.#control.silences
    const numbers = behaved === 'limit-refusals' ? limiting : deaf
    const tracks = new Set([...this.#marked, ...this.#table.active].filter(({ number }) => numbers.has(number)))
    if (behaved === 'stopped-answering') for (const track of this.#vigil.left) tracks.add(track)
    return [...tracks].map(({ host }) => host.address)
  }

  /** Time has passed: the rate is judged anew where answers are in. All that had happened by `seenMs` was settled. */
  advance(nowMs: number, seenMs = nowMs): void {
    this.#judging.advance(nowMs, seenMs, this.#timing.rttMs)
    this.#vigil.advance(nowMs)
    this.#timing.advance(nowMs)
    if (this.#control.rate !== this.#bucket.rate) this.#bucket.setRate(this.#control.rate, nowMs)
  }

  /** The next attempt to make now; undefined when it is time to wait, for the clock or for answers. */
  next(nowMs: number): Probe | undefined {
    if (this.isDone || this.#inFlight >= this.#shortage.capacity || this.#shortage.isPausing(nowMs)) return undefined
    if (!this.#bucket.ready(nowMs)) return undefined
    const { current } = this.#judging
    const asked = this.#table.isDone
      ? this.#turned.next(nowMs)
      : (this.#vigil.next(nowMs) ?? this.#canaries.next(this.#control))
    const probe =
      asked === undefined
        ? (this.#returned() ?? this.#fresh() ?? this.#retry())
        : this.#probe(asked.track, asked.port, asked.purpose, 1, 1, 0)
    if (probe === undefined) return undefined
    this.#bucket.take()
    this.#inFlight++
    const { track, purpose } = probe
    if (isAside(purpose)) return probe
    const chance = purpose === 'fresh' ? (track.answerShare ?? 0) : 1 - this.#control.randomLoss
    current.sentTo(track.number, purpose, chance)
    this.#canaries.sent(probe, this.#control)
    return probe
  }

  /** An attempt has ended. True: the port has its final answer, or must go without (a local error that persists). */
  settled(probe: Probe, ending: Ending, nowMs: number): boolean {
    this.#inFlight--
    if (probe.purpose === 'turned') this.#turned.settled()
    if (ending.kind === 'local') return this.#failed(probe, ending.shortage, nowMs)
    this.#shortage.passed()
    const { track, port, purpose, attempt, epoch, doubt } = probe
    const isCanary = isRepeated(purpose)
    if (ending.kind === 'answer' && ending.is !== 'other') this.#heard(track, nowMs)
    else if (isCanary) this.#vigil.missed(track, nowMs)
    if (isCanary && ending.kind === 'answer') this.#repeated(probe, ending.is)
    if (isAside(purpose)) return false
    if (ending.kind === 'answer') {
      this.#timing.answered(probe, ending.rttMs, nowMs, this.#sent)
      if (isCanary) this.#canaries.settled(probe, !epoch.isJudged, this.#control)
      else this.#resolve(probe, ending.is)
      return !isCanary
    }
    if (isCanary) this.#canaries.settled(probe, false, this.#control)
    else {
      track.wasSilent(attempt)
      this.#silent.push(track.number, port, attempt, epoch.index, doubt)
    }
    return false
  }

  #repeated({ track, port, purpose }: Probe, is: 'open' | 'refused' | 'other'): void {
    if (is === 'open') this.#turned.opened(track, port)
    if (purpose !== 'open-canary' || is !== 'refused') return
    this.#turned.refused(track, port)
    track.open.drop(port)
  }

  #heard(track: HostTrack, nowMs: number): void {
    this.#vigil.heard(track, nowMs)
    this.#control.silences.heard(track.number)
  }

  #resolve({ track, port, attempt }: Probe, is: 'open' | 'refused' | 'other'): void {
    track.answered(attempt, is === 'open')
    if (is === 'open' && track.openCount === 1) this.#hostsWithOpen++
    if (is !== 'other') this.#canaries.known(track, port, is)
    this.#resolved(track)
  }

  #resolved(track: HostTrack): void {
    this.#table.resolved(track)
    const { limiting, deaf } = this.#control.silences
    if (track.unresolved === 0 && (limiting.has(track.number) || deaf.has(track.number))) this.#marked.push(track)
  }

  #failed(probe: Probe, shortage: boolean, nowMs: number): boolean {
    // It was never sent, so that its answer is not missed.
    probe.epoch.answered(probe.track.number, probe.purpose)
    if (isRepeated(probe.purpose)) return false
    if (shortage && this.#shortage.met(this.#inFlight, nowMs)) this.#control.yield()
    if (probe.failures < (shortage ? this.#shortage.patience : limits.scanFailures)) {
      this.#putBack.push({ ...probe, failures: probe.failures + 1 })
      return false
    }
    this.#resolved(probe.track)
    return true
  }

  #returned(): Probe | undefined {
    const probe = this.#putBack.pop()
    return probe && this.#probe(probe.track, probe.port, probe.purpose, probe.attempt, probe.doubt, probe.failures)
  }

  #fresh(): Probe | undefined {
    const track = this.#table.next()
    return track && this.#probe(track, this.#table.freshPort(track), 'fresh', 1, 1, 0)
  }

  /** The oldest silent port that still deserves an attempt; those that don't are given up on the way. */
  #retry(): Probe | undefined {
    if (this.#vigil.silentCount === this.#table.activeCount) return undefined
    for (let looked = 0; looked < GIVE_UP_AT_ONCE && this.#silent.shift(this.#waiting); looked++) {
      const { host, port, attempts, epoch } = this.#waiting
      const track = this.#table.get(host)
      if (track === undefined) continue
      if (track.presence === 'silent') {
        this.#silent.push(host, port, attempts, epoch, this.#waiting.doubt)
        continue
      }
      if (track.presence === 'gone') {
        this.#vigil.leave(track)
        this.#resolved(track)
        this.#giveUp(track, port, attempts, 'unheard')
        continue
      }
      const usual = track.loss(!this.#control.silences.counts(host))
      const doubt = this.#waiting.doubt * this.#judging.history.loss(epoch, usual, this.#control.limit)
      const sure = attempts >= 2 && doubt * Math.max(1, track.openCount * this.#hostsWithOpen) < limits.scanMissChance
      const most = this.#plan.retries === undefined ? limits.scanAttempts : this.#plan.retries + 1
      if (attempts < most && !(sure && this.#plan.retries === undefined))
        return this.#probe(track, port, 'retry', attempts + 1, doubt, 0)
      this.#resolved(track)
      this.#giveUp(track, port, attempts, sure ? 'sure' : 'unsure')
    }
    return undefined
  }

  #probe(track: HostTrack, port: number, purpose: Purpose, attempt: number, doubt: number, failures: number): Probe {
    const othersMs = ((this.#table.untried + this.#silent.length) * 1000) / this.#bucket.rate
    const timeoutMs = this.#patience.of(purpose, attempt, track.rtt, this.#inFlight, othersMs)
    const patienceMs = this.#patience.ofPort(1, track.rtt, this.#inFlight, othersMs)
    const { epoch } = isAside(purpose) ? this.#vigil : { epoch: this.#judging.current }
    return { track, port, purpose, attempt, timeoutMs, patienceMs, epoch, serial: ++this.#sent, doubt, failures }
  }
}

/** Silent ports looked at in one call, so that the end of a silent scan does not stall the thread. */
const GIVE_UP_AT_ONCE = 512
