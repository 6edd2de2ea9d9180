import type { Clock, Timer } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { StartThread } from '../base/threads.ts'
import { socketAllowance } from './descriptors.ts'
import { chooseEngine } from './engines/choose.ts'
import { livenessSentence, Notices } from './notices.ts'
import { classify, type Outcome, type Verdict } from './outcome.ts'
import type { HostState } from './pacing/host-state.ts'
import { isMeasurement } from './pacing/interval.ts'
import type { Probe, ProbeOutcome } from './pacing/probe-queue.ts'
import { ProbeScheduler, type SilenceConfidence } from './pacing/scheduler.ts'
import { Prober } from './prober.ts'
import { summaryNotes } from './summary-notes.ts'
import { ResultTally } from './tally.ts'
import type { PortResult, ScanObserver, ScanPlan, ScanSummary } from './types.ts'
import { Demand } from './workers/demand.ts'
import { WorkerPool } from './workers/pool.ts'

export interface ScanServices {
  readonly clock: Clock
  readonly startThread: StartThread
  /** Aborted: the scan stops sending and resolves with what it has. */
  readonly signal: AbortSignal
  readonly observer: ScanObserver
}

/**
 * Scans what the plan says. Resolves with the summary, also when interrupted; answers go to the observer as they come.
 * Rejects with a UsageError when the engine that was asked for does not exist here.
 */
export async function scan(plan: ScanPlan, services: ScanServices): Promise<ScanSummary> {
  const engine = await chooseEngine(plan.engine)
  return new Promise((resolve) => new Scan(plan, services, engine, resolve).start())
}

class Scan {
  readonly #plan: ScanPlan
  readonly #services: ScanServices
  readonly #resolve: (summary: ScanSummary) => void
  readonly #scheduler: ProbeScheduler
  readonly #prober: Prober
  readonly #pool: WorkerPool
  readonly #demand: Demand
  readonly #tally: ResultTally
  readonly #notices: Notices
  readonly #startedMs: number
  readonly #probes: (Probe | undefined)[] = []
  readonly #tickets: number[] = []
  #timer: Timer | undefined
  #sent = 0
  #retries = 0
  #waiting = 0
  #unsure = 0
  #progressMs: number
  #isOver = false

  constructor(
    plan: ScanPlan,
    services: ScanServices,
    engine: Awaited<ReturnType<typeof chooseEngine>>,
    resolve: (summary: ScanSummary) => void,
  ) {
    const { clock, observer } = services
    const nowMs = clock.monotonic()
    const allowed = Math.min(limits.scanProbes, socketAllowance() ?? limits.scanProbes, engine.mostSockets)
    const concurrency = Math.max(1, Math.min(plan.concurrency ?? allowed, allowed))
    this.#plan = plan
    this.#services = services
    this.#resolve = resolve
    this.#startedMs = nowMs
    this.#progressMs = nowMs
    this.#notices = new Notices((sentence) => observer.notice(sentence))
    this.#tally = new ResultTally(plan.hostCount * plan.ports.length, nowMs)
    this.#scheduler = new ProbeScheduler(
      { ...plan, concurrency },
      nowMs,
      (...silent) => this.#giveUp(...silent),
      ({ host }, change) => observer.notice(livenessSentence(host.address, change)),
    )
    this.#prober = new Prober(concurrency, engine.make, clock, (...settled) => this.#settle(...settled))
    this.#pool = new WorkerPool(
      plan.threads ?? engine.threads,
      engine.name,
      concurrency,
      services.startThread,
      (...settled) => this.#settle(...settled),
    )
    this.#demand = new Demand(nowMs)
    for (let ticket = concurrency - 1; ticket >= 0; ticket--) this.#tickets.push(ticket)
  }

  start(): void {
    this.#services.signal.addEventListener('abort', this.#stop, { once: true })
    if (this.#services.signal.aborted) this.#stop()
    else this.#tick()
  }

  readonly #stop = (): void => this.#finish()

  #tick(): void {
    const { clock, observer } = this.#services
    const nowMs = clock.monotonic()
    this.#scheduler.advance(nowMs, this.#pool.drain(nowMs))
    const isBusy = this.#pump(nowMs)
    if (nowMs - this.#progressMs >= PROGRESS_MS) {
      this.#progressMs = nowMs
      observer.progress(this.#tally.progress(nowMs, this.#sent, this.#waiting))
    }
    if (this.#scheduler.isDone) this.#finish()
    if (this.#isOver) return
    if (this.#demand.wantsThread(isBusy, nowMs, this.#left)) this.#pool.grow()
    // A processor-bound scan does not rest: what the threads do not get to, this one does.
    if (isBusy) setImmediate(() => this.#isOver || this.#tick())
    else this.#timer = clock.after(TICK_MS, () => this.#tick())
  }

  /** Sends what may be sent, for as long as the thread can be kept from its events. True: there is more to send. */
  #pump(sinceMs: number): boolean {
    const { clock } = this.#services
    let nowMs = sinceMs
    for (let own = 0; own < OWN_PROBES; ) {
      const probe = this.#scheduler.next(nowMs)
      if (probe === undefined) return false
      if (!this.#send(probe)) own++
      nowMs = clock.monotonic()
      if (nowMs - sinceMs > SLICE_MS) return true
    }
    return true
  }

  /** True: a thread has it. */
  #send(probe: Probe): boolean {
    const ticket = this.#tickets.pop()
    if (ticket === undefined) throw new Error('the pacing exceeded its concurrency')
    this.#probes[ticket] = probe
    this.#sent++
    if (probe.purpose === 'retry') {
      this.#retries++
      this.#waiting--
    }
    const bannerMs = this.#plan.banner === true && !isMeasurement(probe.purpose) ? limits.bannerMs : 0
    const { target, port, timeoutMs } = probe
    if (this.#pool.send(ticket, target.number, target.host, port, timeoutMs, bannerMs)) return true
    this.#prober.send(ticket, target.host, port, timeoutMs, bannerMs)
    return false
  }

  #settle(ticket: number, outcome: Outcome, rttMs: number, banner?: Uint8Array): void {
    const probe = this.#probes[ticket]
    if (probe === undefined || this.#isOver) return
    this.#probes[ticket] = undefined
    this.#tickets.push(ticket)
    const verdict = verdictOn(probe, outcome)
    const nowMs = this.#services.clock.monotonic()
    const isFinal = this.#scheduler.settled(probe, ending(verdict, rttMs), nowMs)
    if (verdict.kind === 'local') this.#notices.localError(verdict.code, probe.port)
    if (isFinal) this.#answer(probe, verdict, rttMs, banner)
    else if (verdict.kind === 'silence' && !isMeasurement(probe.purpose)) this.#waiting++
  }

  #answer({ target, port, attempt }: Probe, verdict: Verdict, rttMs: number, banner?: Uint8Array): void {
    const { host } = target
    if (verdict.kind === 'answer') {
      const said = banner === undefined ? {} : { banner }
      const { state, reason } = verdict
      this.#record({ host, port, state, reason, rttMs, attempts: attempt, ...said })
    } else if (verdict.kind === 'local') {
      this.#record({ host, port, state: 'error', reason: verdict.code, attempts: attempt })
    }
  }

  #giveUp({ host }: HostState, port: number, attempts: number, confidence: SilenceConfidence): void {
    this.#waiting--
    if (confidence === 'host-gone') return
    if (confidence === 'unsure') this.#unsure++
    this.#record({ host, port, state: 'filtered', reason: 'no-answer', attempts })
  }

  #record(result: PortResult): void {
    this.#tally.count(result)
    this.#services.observer.result(result)
  }

  /** Ports without a final answer. */
  get #left(): number {
    return this.#tally.summary.notScanned
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { clock, observer, signal } = this.#services
    signal.removeEventListener('abort', this.#stop)
    this.#timer?.cancel()
    this.#prober.close()
    const nowMs = clock.monotonic()
    observer.progress(this.#tally.progress(nowMs, this.#sent, this.#waiting))
    const { summary } = this.#tally
    const { complete, notes } = summaryNotes(summary, this.#scheduler, this.#unsure, signal.reason)
    const work = { probes: this.#sent, retries: this.#retries, durationMs: nowMs - this.#startedMs }
    const threads = this.#pool.started
    const result = { complete, notes, engine: this.#prober.engineName, threads, ...work, ...summary }
    void this.#pool.close().then(() => this.#resolve(result))
  }
}

/**
 * No network leads to a host that has answered: a cable was pulled on our side, which says nothing about its ports. Nor
 * does it when the host can't be reached any more, not even where it used to answer.
 */
function verdictOn({ target, purpose }: Probe, outcome: Outcome): Verdict {
  const verdict = classify(outcome)
  if (verdict.kind !== 'answer' || verdict.state !== 'unreachable') return verdict
  const hasAnswered = target.openCount > 0 || target.hasReferencePorts
  const isLost = verdict.reason === 'network-unreachable' || target.missedInRow > 0 || isMeasurement(purpose)
  return hasAnswered && isLost ? { kind: 'silence' } : verdict
}

function ending(verdict: Verdict, rttMs: number): ProbeOutcome {
  if (verdict.kind === 'local') return { kind: 'local', shortage: verdict.shortage }
  if (verdict.kind === 'silence') return { kind: 'silence' }
  const is = verdict.reason === 'connected' ? 'open' : verdict.reason === 'refused' ? 'refused' : 'other'
  return { kind: 'answer', is, rttMs }
}

const TICK_MS = 2
const SLICE_MS = 10
/** Probes that this thread makes itself before it looks at what has come: few, so that what it has begun stays little. */
const OWN_PROBES = 64
const PROGRESS_MS = 100
