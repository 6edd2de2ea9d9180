import type { Clock, Timer } from '../base/clock.ts'
import type { StartThread } from '../base/threads.ts'
import { AwakeClock } from './awake-clock.ts'
import { chooseEngine, type EngineChoice } from './engines/choose.ts'
import type { ConnectOutcome } from './engines/engine.ts'
import { scanLimits } from './limits.ts'
import { livenessSentence, summaryNotes, tarpitSentence } from './notices.ts'
import { classify, localErrorSentence, type ProbeAnswer } from './outcome.ts'
import type { HostState } from './pacing/host-state.ts'
import { isMeasurement } from './pacing/interval.ts'
import type { Probe, ProbeOutcome } from './pacing/probe-queue.ts'
import { ProbeScheduler, type SilenceConfidence } from './pacing/scheduler.ts'
import { Prober } from './prober.ts'
import type { PortResult, ScanObserver, ScanPace, ScanPlan, ScanSummary } from './types.ts'
import { WorkerPool } from './workers/pool.ts'
import { hasSourceFor } from './zones.ts'

export interface ScanServices {
  readonly clock: Clock
  readonly startThread: StartThread
  /** File descriptors that this process may still open. */
  readonly freeDescriptors: number
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
  const clock = new AwakeClock(services.clock)
  return new Promise((resolve) => new ScanRun(plan, { ...services, clock }, engine, resolve).start())
}

interface AwakeServices extends ScanServices {
  readonly clock: AwakeClock
}

class ScanRun {
  readonly #plan: ScanPlan
  readonly #services: AwakeServices
  readonly #resolve: (summary: ScanSummary) => void
  readonly #scheduler: ProbeScheduler
  readonly #prober: Prober
  readonly #pool: WorkerPool
  readonly #rate: RateMeter
  /** Codes of local errors that were told. */
  readonly #told = new Set<string>()
  readonly #total: number
  readonly #probes: (Probe | undefined)[] = []
  readonly #tickets: number[] = []
  #timer: Timer | undefined
  #sent = 0
  #retries = 0
  #done = 0
  #errors = 0
  /** Why the last attempt at a port failed that counts as silent, by host and port: an outage, or the port's own refusal. */
  readonly #unreachable = new Map<string, string>()
  /** Addresses that accept nearly every port. */
  readonly #tarpits = new Set<string>()
  /** Silent ports that will be probed again. */
  #waiting = 0
  #progressMs: number
  #isOver = false

  constructor(plan: ScanPlan, services: AwakeServices, engine: EngineChoice, resolve: (summary: ScanSummary) => void) {
    const { clock, observer, freeDescriptors } = services
    const nowMs = clock.monotonic()
    const descriptors = Math.max(scanLimits.probeMinCount, freeDescriptors - scanLimits.reservedDescriptors)
    const allowed = Math.min(descriptors, engine.maxSockets)
    const concurrency = Math.max(1, Math.min(plan.concurrency ?? allowed, allowed))
    this.#plan = plan
    this.#services = services
    this.#resolve = resolve
    this.#progressMs = nowMs
    this.#total = plan.portTotal ?? plan.hostCount * plan.ports.length
    this.#rate = new RateMeter(nowMs)
    this.#scheduler = new ProbeScheduler(
      { ...plan, concurrency },
      nowMs,
      (...silent) => this.#giveUp(...silent),
      ({ host }, change) => observer.notice(livenessSentence(host.address, change)),
    )
    this.#prober = new Prober(concurrency, engine.make, clock, (...settled) => this.#settle(...settled))
    this.#pool = new WorkerPool(
      { threads: plan.threads ?? engine.threads, engine: engine.name, tickets: concurrency },
      nowMs,
      services.startThread,
      (...settled) => this.#settle(...settled),
    )
    for (let ticket = concurrency - 1; ticket >= 0; ticket--) this.#tickets.push(ticket)
  }

  start(): void {
    this.#services.signal.addEventListener('abort', this.#stop, { once: true })
    if (this.#services.signal.aborted) this.#stop()
    else this.#tick()
  }

  readonly #stop = (): void => this.#finish()

  #tick(): void {
    const { clock } = this.#services
    const nowMs = clock.monotonic()
    this.#scheduler.advance(nowMs, this.#pool.drain(nowMs))
    const isBusy = this.#pump(nowMs)
    if (nowMs - this.#progressMs >= scanLimits.progressMs) this.#progress(nowMs)
    if (this.#scheduler.isDone) this.#finish()
    if (this.#isOver) return
    this.#pool.growIfCpuBound(isBusy, nowMs, this.#total - this.#done)
    // A CPU-bound scan does not rest: what the threads do not get to, this one does.
    if (isBusy) setImmediate(() => this.#isOver || this.#tick())
    else this.#timer = clock.after(scanLimits.turnMs, () => this.#tick())
  }

  #progress(nowMs: number): void {
    this.#progressMs = nowMs
    const tried = this.#done + this.#waiting
    const pace = this.#rate.pace(nowMs, this.#sent, tried, this.#waiting, this.#total)
    this.#services.observer.progress(pace, () => this.#doubt().lasting)
  }

  /** Sends what may be sent, for as long as the thread can be kept from its events. True: there is more to send. */
  #pump(sinceMs: number): boolean {
    const { clock } = this.#services
    let nowMs = sinceMs
    for (let own = 0; own < scanLimits.turnProbeCount; ) {
      const probe = this.#scheduler.next(nowMs)
      if (probe === undefined) return false
      if (!this.#send(probe)) own++
      nowMs = clock.monotonic()
      if (nowMs - sinceMs > scanLimits.sliceMs) return true
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
    const bannerMs =
      this.#plan.banner === true && !isMeasurement(probe.purpose) ? (this.#plan.bannerMs ?? scanLimits.bannerMs) : 0
    const { target, port } = probe
    const timeoutMs = this.#timeoutOf(probe)
    if (this.#pool.send(ticket, target.number, target.host, port, timeoutMs, bannerMs)) return true
    this.#prober.send(ticket, target.host, port, timeoutMs, bannerMs)
    return false
  }

  /**
   * Node hears nothing of a refusal over IPv6 that came while `connect` was still at work (see LibcEngine), but of the one
   * that follows on the kernel's second SYN.
   */
  #timeoutOf({ target, attempt, timeoutMs }: Probe): number {
    const isDeaf = this.#prober.engineName === 'net' && target.host.family === 6 && attempt > 1
    return isDeaf && this.#plan.timeoutMs === undefined ? Math.max(timeoutMs, scanLimits.secondSynMs) : timeoutMs
  }

  #settle(ticket: number, outcome: ConnectOutcome, rttMs: number, banner?: Uint8Array): void {
    const probe = this.#probes[ticket]
    if (probe === undefined || this.#isOver) return
    this.#probes[ticket] = undefined
    this.#tickets.push(ticket)
    const answer = answerTo(probe, outcome)
    if (!isMeasurement(probe.purpose)) this.#noteUnreachable(probe, outcome, answer)
    const nowMs = this.#services.clock.monotonic()
    const isFinal = this.#scheduler.settled(probe, probeOutcome(answer, rttMs), nowMs)
    if (answer.kind === 'local') this.#tellOnce(answer.code, probe.port)
    if (isFinal) this.#answered(probe, answer, rttMs, banner)
    else if (answer.kind === 'silence' && !isMeasurement(probe.purpose)) this.#waiting++
  }

  /** What counts as silence because it may be an outage is the port's answer where nothing else is ever heard of it. */
  #noteUnreachable({ target, port }: Probe, outcome: ConnectOutcome, answer: ProbeAnswer): void {
    const heard = answer.kind === 'silence' ? classify(outcome) : answer
    const isNoted = answer.kind === 'silence' && heard.kind === 'answer'
    if (!isNoted && this.#unreachable.size === 0) return
    const key = portKey(target, port)
    this.#unreachable.delete(key)
    if (isNoted && this.#unreachable.size < scanLimits.unreachableCount) this.#unreachable.set(key, heard.reason)
  }

  #tellOnce(code: string, port: number): void {
    if (this.#told.has(code)) return
    this.#told.add(code)
    this.#services.observer.notice(localErrorSentence(code, port))
  }

  #answered({ target, port, attempt }: Probe, answer: ProbeAnswer, rttMs: number, banner?: Uint8Array): void {
    const { host } = target
    if (answer.kind === 'answer') {
      const { state, reason } = answer
      this.#record({ host, port, state, reason, rttMs, attempts: attempt, ...(banner !== undefined && { banner }) })
      if (state === 'open') this.#lookForTarpit(target)
    } else if (answer.kind === 'local') {
      this.#errors++
      this.#record({ host, port, state: 'error', reason: answer.code, attempts: attempt })
    }
  }

  /** A tarpit or a port spoofer accepts whatever is asked; a machine with services has a few open ports. */
  #lookForTarpit(target: HostState): void {
    const { openCount, cursor: tried } = target
    if (tried < scanLimits.tarpitSample || openCount <= tried * scanLimits.tarpitShare) return
    const { address } = target.host
    if (this.#tarpits.has(address)) return
    this.#tarpits.add(address)
    const isLeft = this.#plan.stopAtTarpit === true
    this.#services.observer.notice(tarpitSentence(address, openCount, tried, isLeft))
    if (isLeft) this.#scheduler.leave(target)
  }

  #giveUp(target: HostState, port: number, attempts: number, confidence: SilenceConfidence): void {
    const { host } = target
    const key = portKey(target, port)
    const reason = this.#unreachable.get(key)
    this.#unreachable.delete(key)
    if (confidence === 'untried') return
    this.#waiting--
    if (confidence === 'host-gone') return
    if (reason !== undefined) {
      this.#record({ host, port, state: 'unreachable', reason, attempts })
      return
    }
    this.#record({ host, port, state: 'filtered', reason: 'no-answer', attempts })
  }

  #record(result: PortResult): void {
    this.#done++
    this.#services.observer.result(result)
  }

  #doubt(): ReturnType<typeof summaryNotes> {
    return summaryNotes(
      { notScanned: this.#total - this.#done, errors: this.#errors },
      this.#scheduler,
      { addresses: [...this.#tarpits], left: this.#plan.stopAtTarpit === true },
      this.#services.signal.reason,
    )
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { clock, signal } = this.#services
    signal.removeEventListener('abort', this.#stop)
    this.#timer?.cancel()
    this.#prober.close()
    this.#progress(clock.monotonic())
    const summary = {
      ...this.#doubt(),
      engine: this.#prober.engineName,
      threads: this.#pool.started,
      probes: this.#sent,
      retries: this.#retries,
      notScanned: this.#total - this.#done,
    }
    void this.#pool.close().then(() => this.#resolve(summary))
  }
}

/**
 * What the outcome of a probe says. `unreachable` counts as silence where the host has answered before: the network on
 * our side is down, or the host lost its own, and neither says anything about the port.
 */
function answerTo({ target, purpose }: Probe, outcome: ConnectOutcome): ProbeAnswer {
  const answer = classify(outcome)
  if (answer.kind === 'local' && answer.code === 'EADDRNOTAVAIL' && !hasSourceFor(target.host)) return noSource
  if (answer.kind !== 'answer' || answer.state !== 'unreachable') return answer
  const hasAnswered = target.openCount > 0 || target.hasReferencePorts
  const isLost = answer.reason === 'network-unreachable' || target.missedInRow > 0 || isMeasurement(purpose)
  return hasAnswered && isLost ? { kind: 'silence' } : answer
}

const noSource: ProbeAnswer = { kind: 'answer', state: 'unreachable', reason: 'network-unreachable' }

function portKey({ number }: HostState, port: number): string {
  return `${number} ${port}`
}

/** The same in the pacing's terms. */
function probeOutcome(answer: ProbeAnswer, rttMs: number): ProbeOutcome {
  if (answer.kind === 'local') return { kind: 'local', shortage: answer.shortage }
  if (answer.kind === 'silence') return { kind: 'silence' }
  const is = answer.reason === 'connected' ? 'open' : answer.reason === 'refused' ? 'refused' : 'other'
  return { kind: 'answer', is, rttMs }
}

/** How fast probes are sent, smoothed, and how long the rest will take. Times are of one monotonic clock. */
class RateMeter {
  readonly #startedMs: number
  #rate = 0
  #measuredMs: number
  #measuredProbes = 0

  constructor(nowMs: number) {
    this.#startedMs = nowMs
    this.#measuredMs = nowMs
  }

  /** `sent`: probes so far; `tried`: ports that were probed at least once, of which `waiting` are to be probed again. */
  pace(nowMs: number, sent: number, tried: number, waiting: number, total: number): ScanPace {
    const spanMs = nowMs - this.#measuredMs
    if (spanMs > 0) {
      const latest = ((sent - this.#measuredProbes) * 1000) / spanMs
      const gain = this.#measuredProbes === 0 ? 1 : scanLimits.progressRateGain
      this.#rate += (latest - this.#rate) * gain
      this.#measuredMs = nowMs
      this.#measuredProbes = sent
    }
    const rate = this.#rate
    if (rate < 1 || nowMs - this.#startedMs < scanLimits.etaAfterMs) return { rate, sent }
    // A port never tried will cost as many probes as those so far have cost.
    const retryShare = tried === 0 ? 0 : waiting / tried
    return { rate, sent, etaMs: (((total - tried) * (1 + retryShare) + waiting) * 1000) / rate }
  }
}
