import { Random } from '../../base/random.ts'
import type { HostState } from './host-state.ts'
import { type HostSamples, isMeasurement, LossSample, type MeasurementInterval, type Purpose } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'
import type { Probe } from './probe-queue.ts'
import type { RateControl } from './rate-control.ts'

/*
 * Reference probes: connects to ports that are known to answer, mixed into the scan at random, as a measure of the path that does not
 * depend on what the unknown ports are. Their number is 1 % of the traffic and up to a fifth while a question is open. The moment of each
 * is drawn by lot (Poisson sampling, RFC 2330, 11.1.1): at a fixed place in each burst of probes a limiter would always let it pass,
 * or never.
 */

/** A probe that is to be sent now. */
export interface ReferenceProbe {
  readonly target: HostState
  readonly port: number
  readonly purpose: Purpose
}

/** Chooses when a reference probe is sent, and to which port. */
export class ReferenceProbes {
  readonly #random = new Random(2)
  /** The last host that was sent to and has reference ports: it tells most about what is being sent now. */
  #target: HostState | undefined
  #isDrawn = false

  /** Counts what was sent, and draws whether a reference probe follows. */
  sent({ target, purpose, interval }: Probe, control: RateControl, nowMs: number): void {
    if (isMeasurement(purpose)) {
      this.#isDrawn = false
      target.lastReferenceMs = nowMs
      return
    }
    if (target.liveness === 'responsive' && target.hasReferencePorts) this.#target = target
    const measuresItself =
      purpose === 'first' &&
      control.silentHosts.refusalsCount(target.number) &&
      (target.answerShare ?? 0) > limits.host.selfMeasuringShare
    this.#isDrawn = this.#random.below(probesPerReference(interval, control, measuresItself)) === 0
    // Silence at a later attempt is to be believed: only if something else of the host answers at the same time.
    const isOverdue = nowMs - target.lastReferenceMs >= limits.reference.witnessMs
    const needsWitness = purpose === 'retry' && (isOverdue || target.needsReferences)
    if (needsWitness && this.#target === target) this.#isDrawn = true
  }

  /** A port is known to answer. */
  add(host: HostState, port: number, is: 'open' | 'refused'): void {
    const ports = is === 'open' ? host.open : host.refusing
    ports.add(port, this.#random)
    this.#target ??= host
  }

  /** The reference probe to send now, if it is time for one. */
  next(control: RateControl): ReferenceProbe | undefined {
    const target = this.#target
    if (target?.liveness !== 'responsive' || !this.#isDrawn) return undefined
    const { open, refusing } = target
    const mayRefuse = refusing.size > 0 && control.silentHosts.refusalsCount(target.number)
    const isOpen = open.size > 0 && (!mayRefuse || this.#random.below(2) === 0)
    const port = isOpen ? open.pick(this.#random) : mayRefuse ? refusing.pick(this.#random) : undefined
    return port === undefined ? undefined : { target, port, purpose: isOpen ? 'open-reference' : 'refusing-reference' }
  }

  /** A reference probe has ended. */
  settled({ target, port, purpose, interval }: Probe, answered: boolean, control: RateControl): void {
    // Of the same host: where all of its ports are silent it is the host that is, and they are what tells when it is back.
    const samples = interval.hosts.get(target.number)
    const share = samples === undefined ? 0 : deliveredShare(samples)
    const othersAnswer = share > limits.host.othersAnswerShare && !control.isAsking
    const ports = purpose === 'open-reference' ? target.open : target.refusing
    ports.record(port, answered, othersAnswer)
  }
}

function deliveredShare({ open, refusing }: HostSamples): number {
  const both = new LossSample()
  both.add(open)
  both.add(refusing)
  return both.deliveredShare
}

/** Other probes to one reference probe. `measuresItself`: first attempts tell as much as reference probes, and cost nothing. */
function probesPerReference(interval: MeasurementInterval, control: RateControl, measuresItself: boolean): number {
  const { perProbes, perProbesAsking, perProbesCautious, perProbesUnknown, lowRate, minExpected } = limits.reference
  if (control.isAsking) return perProbesAsking
  if (measuresItself && !control.isUnverified) return perProbes
  if (interval.referenceProbes === 0 || control.rate < lowRate) return perProbesUnknown
  return interval.expected < minExpected || control.limit !== undefined ? perProbesCautious : perProbes
}

/**
 * Ports that were open and then refused a reference probe. Either the service has ended, or the host refuses what is too much for it,
 * open ports included: then what it calls closed proves nothing. When all else is answered they are asked once more, after a pause in
 * which nothing is sent: one that is open then convicts its host.
 */
export class ContradictoryPorts {
  /** One such port a host. */
  readonly #ports = new Map<HostState, number>()
  readonly #contradicting = new Set<HostState>()
  readonly #queue: HostState[] = []
  #rounds = 0
  #dueMs = 0
  #asking = 0

  /** A port that was open refused. */
  refused(host: HostState, port: number): void {
    if (this.#ports.size < limits.contradiction.maxHosts && !this.#ports.has(host)) this.#ports.set(host, port)
  }

  /** A port is open, perhaps one of those that refused. */
  opened(host: HostState, port: number): void {
    if (this.#ports.get(host) === port) this.#contradicting.add(host)
  }

  /** Hosts that refuse ports which are open. */
  get contradicting(): Iterable<HostState> {
    return this.#contradicting
  }

  /** Nothing is left to ask. */
  get isSettled(): boolean {
    if (this.#asking > 0 || this.#queue.length > 0) return false
    return this.#rounds === limits.contradiction.rounds || this.#contradicting.size === this.#ports.size
  }

  /** The next to ask, once all ports of all hosts are answered. */
  next(nowMs: number): { target: HostState; port: number; purpose: 'contradiction' } | undefined {
    if (this.#queue.length === 0 && !this.#startsRound(nowMs)) return undefined
    const target = this.#queue.pop()
    const port = target && this.#ports.get(target)
    if (target === undefined || port === undefined) return undefined
    this.#asking++
    return { target, port, purpose: 'contradiction' }
  }

  /** A probe that `next` gave has ended. */
  settled(): void {
    this.#asking--
  }

  /** Each round begins after a longer pause. */
  #startsRound(nowMs: number): boolean {
    if (this.isSettled || this.#asking > 0) return false
    const { pauseMs } = limits.contradiction
    if (this.#dueMs === 0) this.#dueMs = nowMs + pauseMs
    if (nowMs < this.#dueMs) return false
    this.#rounds++
    this.#dueMs = nowMs + pauseMs * 2 ** this.#rounds
    for (const host of this.#ports.keys()) if (!this.#contradicting.has(host)) this.#queue.push(host)
    return true
  }
}
