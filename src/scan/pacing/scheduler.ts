import { TokenBucket } from '../../base/token-bucket.ts'
import type { HostEvidence, ScanHost } from '../types.ts'
import { Estimator } from './estimator.ts'
import { HostLiveness, type LivenessObserver } from './host-liveness.ts'
import type { HostState } from './host-state.ts'
import { isMeasurement, isOutsideIntervals, type Purpose } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import { lossChance } from './loss-history.ts'
import { HostQueue, type Probe, type ProbeOutcome, RetryQueue, type SilentPort } from './probe-queue.ts'
import { RateControl } from './rate-control.ts'
import { ContradictoryPorts, ReferenceProbes } from './reference-probes.ts'
import { TimeoutPolicy } from './rtt.ts'
import { type PathKnowledge, TimeBudget } from './time-budget.ts'

/*
 * The scheduler of a scan: which probe is sent next, and when. A token bucket keeps the rate that `RateControl` decides. In order of
 * precedence it sends: whether a silent host is back; a reference probe, when one is drawn; a probe that our own system failed to make;
 * the next port that was never tried; the oldest silent port that deserves another attempt. A silent port is tried again until the
 * chance that it is open and all attempts were lost, multiplied from the loss at the time of each attempt, is small enough.
 */

/** What to scan, and what of the pacing is fixed by hand. */
export interface PacingPlan {
  readonly hosts: Iterable<ScanHost>
  readonly ports: readonly number[]
  /** Where hosts have different ones. */
  readonly portsOf?: ((host: ScanHost) => readonly number[]) | undefined
  /** Probes per second; undefined means adaptive, as for the next two. */
  readonly rate?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly retries?: number | undefined
  /** Attempts under way at most. */
  readonly concurrency: number
}

/**
 * What the silence of a port that is given up is worth. `sure`: the chance that it is open after all is below the limit;
 * `host-gone`: nothing, so that the port has no result; `untried`: it was never tried, as the time was up.
 */
export type SilenceConfidence = 'sure' | 'unsure' | 'host-gone' | 'untried'

/** A port that stays silent is given up. */
export type GiveUpObserver = (host: HostState, port: number, attempts: number, confidence: SilenceConfidence) => void

/** What hosts did that a reader of the result must know. */
export type HostBehaviour = 'limit-refusals' | 'stopped-answering' | 'refuse-open-ports'

/**
 * Decides what to send next and when, from answers, silences and time; it knows no sockets and reads no clock.
 * Call `next` until it gives nothing, `settled` for every probe it gave, and `advance` every few milliseconds.
 */
export class ProbeScheduler {
  readonly #plan: PacingPlan
  readonly #giveUp: GiveUpObserver
  readonly #hosts: HostQueue
  readonly #control: RateControl
  readonly #estimator: Estimator
  readonly #bucket: TokenBucket
  readonly #references = new ReferenceProbes()
  readonly #liveness: HostLiveness
  readonly #timeouts: TimeoutPolicy
  readonly #contradictory = new ContradictoryPorts()
  readonly #backOff: ResourceBackOff
  readonly #silent = new RetryQueue()
  /** Ports of hosts of which nothing is known, which wait for signs of life. */
  readonly #dark = new RetryQueue()
  /** Probes that our own system failed to make. */
  readonly #failed: Probe[] = []
  readonly #entry: SilentPort = { host: 0, port: 0, attempts: 0, interval: 0, doubt: 1 }
  /** Finished hosts that the summary speaks of. */
  readonly #marked: HostState[] = []
  readonly #budget: TimeBudget
  readonly #darkBucket: TokenBucket
  /** All hosts that answered have fallen silent: since when, and whether that is reason enough to send nothing else. */
  #pathDownSinceMs: number | undefined
  #isPathDown = false
  #isOutOfTime = false
  #untriedCount = 0
  #openCount = 0
  #inFlight = 0
  /** There was nothing to send: what the bucket saved meanwhile would be a burst that a short queue drops. */
  #isIdle = false
  #sent = 0
  #hostsHeard = 0
  #hostsWithOpen = 0
  /** Hosts that answer and have silent ports. */
  #hostsInDoubt = 0
  /** Of finished hosts. */
  #expectedMissed = 0
  readonly #evidence: HostEvidence[] = []
  #hasHeard = false

  /** `observer` hears of hosts that fall silent. */
  constructor(plan: PacingPlan, nowMs: number, giveUp: GiveUpObserver, observer: LivenessObserver) {
    this.#plan = plan
    this.#giveUp = giveUp
    this.#hosts = new HostQueue(plan.hosts, plan.ports, plan.portsOf)
    this.#control = new RateControl(plan.rate)
    this.#estimator = new Estimator(this.#control, this.#hosts, nowMs)
    this.#budget = new TimeBudget(nowMs)
    this.#bucket = new TokenBucket(this.#control.rate, burst(this.#control.rate), nowMs)
    this.#darkBucket = new TokenBucket(limits.scan.darkHostRate, limits.rate.burstProbes, nowMs)
    this.#liveness = new HostLiveness(nowMs, (host, change, atMs) => {
      if (change !== 'silent') this.#control.restart(atMs, this.#isPathDown)
      observer(host, change, atMs)
    })
    this.#timeouts = new TimeoutPolicy(plan.timeoutMs)
    this.#backOff = new ResourceBackOff(plan.concurrency)
  }

  /** Nothing is left to find out; reference probes may still be under way. */
  get isDone(): boolean {
    return this.#hosts.isDone && this.#contradictory.isSettled
  }

  /** Probes per second at present. */
  get rate(): number {
    return this.#bucket.ratePerSecond
  }

  /** Open ports that are expected to be among those given up. */
  get expectedMissed(): number {
    let sum = this.#expectedMissed
    for (const host of this.#hosts.active) sum += host.expectedMissed
    return sum
  }

  /** What the silence of hosts is founded on: of those that have open ports or are in doubt. */
  get evidence(): readonly HostEvidence[] {
    const unfinished = [...this.#hosts.active].filter((host) => host.openCount > 0 || host.silentCount > 0)
    return [...this.#evidence, ...unfinished.map(({ evidence }) => evidence)]
  }

  /** Some host answered. */
  get hasHeard(): boolean {
    return this.#hasHeard
  }

  /** Never tried, as the time was up. */
  get untriedCount(): number {
    return this.#untriedCount
  }

  /** Probes per second at which a scan of what is in doubt would tell: well below what the path was seen to bear. */
  get tellingRate(): number {
    const rate = Math.max(1, this.#control.provenRate * limits.scan.tellingRateFactor)
    const digit = 10 ** Math.floor(Math.log10(rate))
    return Math.floor(rate / digit) * digit
  }

  get control(): RateControl {
    return this.#control
  }

  /** Addresses of hosts that behaved in such a way. */
  hostsThat(behaved: HostBehaviour): readonly string[] {
    if (behaved === 'refuse-open-ports') return [...this.#contradictory.contradicting].map(({ host }) => host.address)
    const { refusalsIgnored, unresponsive } = this.#control.silentHosts
    const numbers = behaved === 'limit-refusals' ? refusalsIgnored : unresponsive
    const hosts = new Set([...this.#marked, ...this.#hosts.active].filter(({ number }) => numbers.has(number)))
    if (behaved === 'stopped-answering') for (const host of this.#liveness.abandoned) hosts.add(host)
    return [...hosts].map(({ host }) => host.address)
  }

  /** Nothing more of this host is of interest; what is under way there gets no result. */
  leave(host: HostState): void {
    this.#hosts.leave(host)
  }

  /** Time has passed: what is due is evaluated, and the rate follows. All that had happened by `seenMs` was settled. */
  advance(nowMs: number, seenMs = nowMs): void {
    if (!this.#isOutOfTime && this.#plan.retries === undefined)
      this.#isOutOfTime = this.#budget.isSpent(nowMs, this.#liveness.silentCount > 0, this.#hosts.active, this.#path)
    this.#estimator.advance(nowMs, seenMs, this.#isIdle)
    this.#liveness.advance(nowMs)
    this.#lookAtHosts(nowMs)
    const { rate } = this.#control
    if (rate !== this.#bucket.ratePerSecond) this.#bucket.setRate(rate, burst(rate), nowMs)
  }

  /** Is the path itself down, and how many hosts are waited for in the dark? */
  #lookAtHosts(nowMs: number): void {
    const { darkHostRate, darkRate } = limits.scan
    const isSomeSilent = this.#liveness.silentCount > 0 && !this.#isOutOfTime
    if (!isSomeSilent && this.#dark.length === 0) {
      this.#pathDownSinceMs = undefined
      this.#isPathDown = false
      return
    }
    let isDown = isSomeSilent
    let dark = 0
    for (const host of this.#hosts.active) {
      if (isWaitedFor(host, nowMs)) dark++
      if (host.liveness === 'responsive' && host.hasReferencePorts) isDown = false
    }
    this.#pathDownSinceMs = isDown ? (this.#pathDownSinceMs ?? nowMs) : undefined
    this.#isPathDown = isDown && nowMs - (this.#pathDownSinceMs ?? nowMs) < limits.liveness.pathDownMs
    const rate = Math.max(1, Math.min(dark * darkHostRate, darkRate))
    if (rate !== this.#darkBucket.ratePerSecond) this.#darkBucket.setRate(rate, burst(rate), nowMs)
  }

  /** The next attempt to make now; undefined when it is time to wait, for the clock or for answers. */
  next(nowMs: number): Probe | undefined {
    if (this.isDone || this.#inFlight >= this.#backOff.capacity || this.#backOff.isPausing(nowMs)) return undefined
    if (!this.#bucket.ready(nowMs)) return undefined
    if (this.#isIdle) this.#bucket.setRate(this.rate, limits.rate.burstProbes, nowMs)
    const measurement = this.#hosts.isDone
      ? this.#contradictory.next(nowMs)
      : (this.#liveness.next(nowMs) ?? this.#references.next(this.#control))
    const probe =
      measurement !== undefined
        ? this.#probe(measurement.target, measurement.port, measurement.purpose, 1, 1, 0)
        : this.#isPathDown
          ? undefined
          : (this.#failedBefore() ?? this.#firstAttempt(nowMs) ?? this.#retry(nowMs))
    if (this.#isIdle !== (probe === undefined)) {
      this.#isIdle = probe === undefined
      this.#bucket.setRate(this.rate, burst(this.rate), nowMs)
    }
    if (probe === undefined) return undefined
    this.#bucket.tryTake(nowMs)
    this.#inFlight++
    const { target, purpose } = probe
    target.sentCount++
    if (isOutsideIntervals(purpose)) return probe
    const chance = purpose === 'first' ? (target.answerShare ?? 0) : 1 - this.#control.randomLoss
    this.#estimator.current.recordSent(target.number, purpose, chance)
    this.#references.sent(probe, this.#control, nowMs)
    return probe
  }

  get #path(): PathKnowledge {
    return { rate: this.#control.provenRate, capacity: this.#backOff.capacity, openCount: this.#openCount }
  }

  /** An attempt has ended. True: the port has its final answer, or must go without (a local error that persists). */
  settled(probe: Probe, outcome: ProbeOutcome, nowMs: number): boolean {
    this.#inFlight--
    const { target, port, purpose, attempt, interval, doubt } = probe
    if (purpose === 'contradiction') this.#contradictory.settled()
    if (outcome.kind === 'local') return this.#failedLocally(probe, outcome.shortage, nowMs)
    this.#backOff.succeeded()
    const isReference = isMeasurement(purpose)
    if (outcome.kind === 'answer' && outcome.is !== 'other') this.#heard(target, nowMs)
    else if (isReference) this.#liveness.missed(target, nowMs)
    if (isReference && outcome.kind === 'answer') this.#noteContradiction(probe, outcome.is)
    if (isOutsideIntervals(purpose)) return false
    if (outcome.kind === 'answer') {
      this.#estimator.recordAnswer(probe, outcome.rttMs, nowMs, this.#sent)
      if (isReference) this.#references.settled(probe, !interval.isEvaluated, this.#control)
      else this.#answered(probe, outcome.is)
      return !isReference && !target.isLeft
    }
    if (isReference) this.#references.settled(probe, false, this.#control)
    else {
      target.recordSilence(attempt)
      if (!target.isCounted && target.hasAnswered) {
        target.isCounted = true
        this.#hostsInDoubt++
      }
      this.#silent.push(target.number, port, attempt, interval.index, doubt)
    }
    return false
  }

  #noteContradiction({ target, port, purpose }: Probe, is: 'open' | 'refused' | 'other'): void {
    if (is === 'open') this.#contradictory.opened(target, port)
    if (purpose !== 'open-reference' || is !== 'refused') return
    this.#contradictory.refused(target, port)
    target.open.drop(port)
  }

  #heard(host: HostState, nowMs: number): void {
    this.#liveness.heard(host, nowMs)
    this.#control.silentHosts.heard(host.number)
  }

  #answered({ target, port, attempt, earlierMs }: Probe, is: 'open' | 'refused' | 'other'): void {
    if (!target.hasAnswered) this.#hostsHeard++
    target.recordAnswer(attempt, is === 'open')
    if (is === 'open' && earlierMs !== undefined) target.recordLost(earlierMs)
    this.#hasHeard = true
    if (is === 'open') this.#openCount++
    if (is === 'open' && target.openCount === 1) this.#hostsWithOpen++
    if (is !== 'other') this.#references.add(target, port, is)
    this.#resolve(target)
  }

  #resolve(host: HostState): void {
    if (host.isLeft) return
    this.#hosts.resolve(host)
    const { refusalsIgnored, unresponsive } = this.#control.silentHosts
    if (host.unresolved === 0) {
      this.#expectedMissed += host.expectedMissed
      const { evidence } = host
      const isKept = host.openCount > 0 || evidence.doubt !== undefined
      if (isKept && this.#evidence.length < limits.scan.evidenceHosts) this.#evidence.push(evidence)
      this.#budget.finished(host, this.#path)
    }
    if (host.unresolved === 0 && (refusalsIgnored.has(host.number) || unresponsive.has(host.number)))
      this.#marked.push(host)
  }

  #failedLocally(probe: Probe, shortage: boolean, nowMs: number): boolean {
    // It was never sent, so that its answer is not missed.
    probe.interval.recordAnswer(probe.target.number, probe.purpose)
    if (isMeasurement(probe.purpose)) return false
    if (shortage && this.#backOff.shortage(this.#inFlight, nowMs)) this.#control.shortage()
    if (probe.failures < (shortage ? this.#backOff.retries : limits.backOff.maxFailures)) {
      this.#failed.push({ ...probe, failures: probe.failures + 1 })
      return false
    }
    this.#resolve(probe.target)
    return !probe.target.isLeft
  }

  #failedBefore(): Probe | undefined {
    let probe = this.#failed.pop()
    while (probe?.target.isLeft === true) probe = this.#failed.pop()
    return probe && this.#probe(probe.target, probe.port, probe.purpose, probe.attempt, probe.doubt, probe.failures)
  }

  #firstAttempt(nowMs: number): Probe | undefined {
    if (this.#isOutOfTime) return this.#leaveUntried()
    const host = this.#hosts.next()
    if (host?.cursor === 0) host.firstProbeMs = nowMs
    return host && this.#probe(host, this.#hosts.takePort(host), 'first', 1, 1, 0)
  }

  /** The time is up: ports that were never tried have no result. */
  #leaveUntried(): undefined {
    for (let left = limits.scan.giveUpAtOnce; left > 0; left--) {
      const host = this.#hosts.next()
      if (host === undefined) return
      const port = this.#hosts.takePort(host)
      this.#resolve(host)
      this.#untriedCount++
      this.#giveUp(host, port, 0, 'untried')
    }
  }

  /** The oldest silent port that deserves another attempt; those that don't are given up on the way. */
  #retry(nowMs: number): Probe | undefined {
    if (this.#liveness.silentCount === this.#hosts.activeCount && !this.#isOutOfTime) return undefined
    const inTheDark = this.#askInTheDark(nowMs)
    if (inTheDark !== undefined) return inTheDark
    let left = Math.min(limits.scan.giveUpAtOnce, this.#silent.length + this.#dark.length)
    for (; left > 0; left--) {
      if (!this.#shift(nowMs)) return undefined
      const host = this.#hosts.get(this.#entry.host)
      const probe = host && this.#retryAt(host, this.#entry, nowMs)
      if (probe !== undefined) return probe
    }
    return undefined
  }

  /** Takes the next silent port: one whose host is not waited for any more, or the oldest. */
  #shift(nowMs: number): boolean {
    const dark = this.#dark.firstHost
    const host = dark === undefined ? undefined : this.#hosts.get(dark)
    if (dark !== undefined && (this.#isOutOfTime || host === undefined || !isWaitedFor(host, nowMs)))
      return this.#dark.shift(this.#entry)
    return this.#silent.shift(this.#entry)
  }

  /** Hosts of which nothing is known may have a limit, or be out of reach for a moment: their ports are asked again meanwhile, slowly. */
  #askInTheDark(nowMs: number): Probe | undefined {
    const number = this.#dark.firstHost
    const host = number === undefined ? undefined : this.#hosts.get(number)
    if (this.#isOutOfTime || host === undefined || !isWaitedFor(host, nowMs + limits.timeout.maxMs)) return undefined
    if (!this.#darkBucket.tryTake(nowMs) || !this.#dark.shift(this.#entry)) return undefined
    const { port, attempts, interval, doubt } = this.#entry
    return this.#retryProbe(host, port, attempts, interval, doubt * this.#lossChance(host, interval, attempts))
  }

  #retryProbe(host: HostState, port: number, attempts: number, interval: number, doubt: number): Probe {
    const earlierMs = this.#estimator.history.startMs(interval)
    return { ...this.#probe(host, port, 'retry', attempts + 1, doubt, 0), earlierMs }
  }

  /** A port of a host of which nothing is known waits, or is one of those that ask for signs of life. True: it waits. */
  #waitsInTheDark(host: HostState, { port, attempts, interval, doubt }: SilentPort, nowMs: number): boolean {
    const { minAttempts, darkMs, darkAmongOthersMs, darkMinMs, darkSample, darkAttempts } = limits.scan
    if (this.#plan.retries !== undefined || !host.isDark || attempts < minAttempts) return false
    if (host.darkUntilMs === undefined) {
      const waitMs = this.#hostsHeard * 2 < this.#hosts.taken ? darkMs : darkAmongOthersMs
      host.darkUntilMs = Math.max(host.firstProbeMs + waitMs, nowMs + darkMinMs)
      host.isAskedAgain = this.#dark.length + host.order.length <= limits.scan.darkAgain
    }
    if (nowMs >= host.darkUntilMs) return false
    if (host.darkSample.size < darkSample && attempts === minAttempts) host.darkSample.add(port)
    if (!host.darkSample.has(port)) this.#dark.push(host.number, port, attempts, interval, doubt)
    else {
      const pauseMs = attempts === minAttempts ? 0 : (darkMs / darkAttempts) * 0.8
      if (nowMs - this.#estimator.history.startMs(interval) >= pauseMs) return false
      this.#silent.push(host.number, port, attempts, interval, doubt)
    }
    return true
  }

  #retryAt(host: HostState, entry: SilentPort, nowMs: number): Probe | undefined {
    const { port, attempts, interval, doubt: earlierDoubt } = entry
    if (host.liveness === 'silent' && !this.#isOutOfTime) {
      this.#silent.push(host.number, port, attempts, interval, earlierDoubt)
      return undefined
    }
    if (host.liveness === 'gone') {
      this.#liveness.abandon(host)
      this.#resolve(host)
      this.#giveUp(host, port, attempts, 'host-gone')
      return undefined
    }
    if (this.#isOutOfTime) {
      const doubt = earlierDoubt * this.#lossChance(host, interval, attempts)
      host.isCutShort = true
      host.giveUp(doubt, attempts)
      this.#resolve(host)
      this.#giveUp(host, port, attempts, 'unsure')
      return undefined
    }
    if (this.#plan.retries === undefined && !this.#estimator.history.isKnown(interval)) {
      this.#silent.push(host.number, port, attempts, interval, earlierDoubt)
      return undefined
    }
    if (this.#waitsInTheDark(host, entry, nowMs)) return undefined
    const { missChance, minAttempts } = limits.scan
    const chance = this.#lossChance(host, interval, attempts)
    const doubt = earlierDoubt * chance
    // The more ports are open, the more silent ones may be: the bound holds for all of them together.
    const mayBeOpen = (host.openCount + limits.scan.openAnyway) * Math.max(1, this.#hostsWithOpen, this.#hostsInDoubt)
    const isSure = attempts >= minAttempts && doubt * mayBeOpen < missChance
    const { retries } = this.#plan
    // Nothing at all came from it, ports that were watched included: to ask again would not tell more.
    const isEnough = attempts > minAttempts || !host.isAskedAgain
    const isHopeless = attempts >= minAttempts && isEnough && !host.hasAnswered && nowMs >= (host.darkUntilMs ?? 0)
    const mayRetry = retries === undefined ? !isSure && !isHopeless : attempts <= retries
    if (mayRetry && retries === undefined && !host.isDark && chance > limits.scan.worthlessShare) {
      const { worthlessPauseMs, worthlessMaxPauseMs } = limits.scan
      const sinceMs = this.#estimator.history.startMs(interval)
      if (
        nowMs < sinceMs + Math.min(worthlessPauseMs * 2 ** attempts, worthlessMaxPauseMs) &&
        host.lastAnswerMs <= sinceMs
      ) {
        this.#silent.push(host.number, port, attempts, interval, earlierDoubt)
        return undefined
      }
    }
    if (mayRetry) return this.#retryProbe(host, port, attempts, interval, doubt)
    host.giveUp(doubt, attempts)
    this.#resolve(host)
    this.#giveUp(host, port, attempts, isSure ? 'sure' : 'unsure')
    return undefined
  }

  /** The chance that the given attempt at an open port of the host, made in `interval`, was lost. */
  #lossChance(host: HostState, interval: number, attempt: number): number {
    const { history } = this.#estimator
    // It waited for less than the host is now known to take.
    if (host.isFar && history.startMs(interval) < host.distanceKnownMs) return 1
    const openOnly = !this.#control.silentHosts.refusalsCount(host.number)
    return lossChance({
      attempt,
      own: host.lossAround(history.startMs(interval), openOnly),
      all: history.around(interval),
      usual: host.usualLoss(openOnly),
      droppedShare: history.droppedShare(interval, this.#control.limit),
    })
  }

  #probe(target: HostState, port: number, purpose: Purpose, attempt: number, doubt: number, failures: number): Probe {
    const othersMs = ((this.#hosts.untried + this.#silent.length) * 1000) / this.#bucket.ratePerSecond
    const { capacity } = this.#backOff
    // Of a host that was never heard nobody knows how far away it is.
    const isFirstInTheDark = attempt === limits.scan.minAttempts + 1 && target.darkSample.has(port)
    const leastMs = isFirstInTheDark && !target.hasAnswered ? limits.scan.darkTimeoutMs : 0
    const chosenMs = this.#timeouts.of(purpose, attempt, target.rtt, this.#inFlight, capacity, othersMs)
    const timeoutMs = this.#plan.timeoutMs ?? Math.max(chosenMs, leastMs)
    const punctualMs = this.#timeouts.ofPort(1, target.rtt, this.#inFlight, capacity, othersMs)
    const interval = isOutsideIntervals(purpose) ? this.#liveness.interval : this.#estimator.current
    return { target, port, purpose, attempt, timeoutMs, punctualMs, interval, serial: ++this.#sent, doubt, failures }
  }
}

/** Nothing is known of the host, and it is not time yet to believe its silence. */
function isWaitedFor({ isDark, darkUntilMs = 0 }: HostState, nowMs: number): boolean {
  return isDark && nowMs < darkUntilMs
}

/** Burst of the token bucket at the given rate. */
function burst(rate: number): number {
  return limits.rate.burstProbes + rate * (limits.rate.burstMs / 1000)
}

/**
 * What our own system can bear: attempts under way at a time, cut when descriptors, local ports or memory are short (EMFILE,
 * EADDRNOTAVAIL, ENOBUFS) and regained slowly, with pauses that double (exponential back-off) while nothing at all succeeds.
 */
export class ResourceBackOff {
  readonly #maxCapacity: number
  #capacity: number
  #shortagesInRow = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  /** `concurrency`: attempts under way at most. */
  constructor(concurrency: number) {
    this.#maxCapacity = concurrency
    this.#capacity = concurrency
  }

  /** Attempts that may be under way. */
  get capacity(): number {
    return Math.floor(this.#capacity)
  }

  /** How often an attempt that met a shortage is made again. Not at all once nothing ever succeeds: waiting has not helped. */
  get retries(): number {
    return this.#shortagesInRow > limits.backOff.maxShortages ? 0 : limits.backOff.maxShortages
  }

  isPausing(nowMs: number): boolean {
    return nowMs < this.#pausedUntilMs
  }

  /** An attempt could not be made while `inFlight` others were under way. True: the first of a group, so slow down. */
  shortage(inFlight: number, nowMs: number): boolean {
    const { minCapacity, capacityFactor, pauseMs, maxPauseMs, maxShortages } = limits.backOff
    this.#shortagesInRow++
    if (this.isPausing(nowMs)) return false
    this.#capacity = Math.max(minCapacity, Math.min(this.#capacity, inFlight * capacityFactor))
    if (this.#shortagesInRow <= maxShortages)
      this.#pausedUntilMs = nowMs + Math.min(pauseMs * 2 ** this.#shortagesInRow, maxPauseMs)
    return true
  }

  /** An attempt was made: whatever was short, there is some again. */
  succeeded(): void {
    this.#shortagesInRow = 0
    this.#capacity = Math.min(this.#maxCapacity, this.#capacity + limits.backOff.capacityGain)
  }
}
