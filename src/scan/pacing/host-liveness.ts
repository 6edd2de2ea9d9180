import { Random } from '../../base/random.ts'
import type { HostState } from './host-state.ts'
import { MeasurementInterval } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'

/*
 * Dead host detection. A host that answered and then falls silent, reference ports included, is taken for unreachable: nothing is asked
 * of it but whether it is back (a probe to a reference port a few times a second, as BFD or a router's keepalives), so that a cable that
 * is pulled for ten seconds costs ten seconds and no wrong result. When it is not back in time it is given up: each of its ports that was
 * never tried gets one attempt, in case only what was known to answer has died, and what stays silent is left without an answer.
 */

/** What became of a host that had answered: nothing comes from it, it is given up, or it answers again. */
export type LivenessChange = 'silent' | 'gone' | 'back'

/** Told when a host's liveness changes. */
export type LivenessObserver = (host: HostState, change: LivenessChange, nowMs: number) => void

/** Watches hosts that answered and then fell silent. */
export class HostLiveness {
  /** What its probes are counted in; they say nothing about the path, so that this is never evaluated. */
  readonly interval: MeasurementInterval
  readonly #observer: LivenessObserver
  readonly #random = new Random(3)
  /** When each is to be asked again. */
  readonly #watched = new Map<HostState, number>()
  readonly #abandoned = new Set<HostState>()

  constructor(nowMs: number, observer: LivenessObserver) {
    this.interval = new MeasurementInterval(-1, nowMs)
    this.#observer = observer
  }

  /** The host itself answered: a port of it is open, or refused. */
  heard(host: HostState, nowMs: number): void {
    host.lastAnswerMs = nowMs
    host.missedInRow = 0
    if (host.liveness === 'responsive') return
    host.liveness = 'responsive'
    this.#watched.delete(host)
    this.#observer(host, 'back', nowMs)
  }

  /** A port that is known to answer did not. */
  missed(host: HostState, nowMs: number): void {
    const { minMisses, outageMs } = limits.liveness
    host.missedInRow++
    if (host.liveness !== 'responsive' || host.unresolved === 0) return
    if (host.missedInRow < minMisses || nowMs - host.lastAnswerMs < outageMs) return
    host.liveness = 'silent'
    this.#watched.set(host, nowMs)
    this.#observer(host, 'silent', nowMs)
  }

  /** Hosts that are waited for. */
  get silentCount(): number {
    let count = 0
    for (const { liveness } of this.#watched.keys()) if (liveness === 'silent') count++
    return count
  }

  /** Time has passed: hosts are not waited for for ever. */
  advance(nowMs: number): void {
    for (const host of this.#watched.keys()) {
      if (host.unresolved === 0) this.#watched.delete(host)
      else if (host.liveness === 'silent' && nowMs - host.lastAnswerMs >= limits.liveness.maxSilenceMs) {
        host.liveness = 'gone'
        this.#observer(host, 'gone', nowMs)
      }
    }
  }

  /** The question to a host whose turn it is to be asked whether it is back. */
  next(nowMs: number): { target: HostState; port: number; purpose: 'liveness' } | undefined {
    for (const [target, dueMs] of this.#watched) {
      if (nowMs < dueMs) continue
      this.#watched.set(target, nowMs + limits.liveness.probeIntervalMs)
      const port = (target.open.size > 0 ? target.open : target.refusing).pick(this.#random)
      if (port !== undefined) return { target, port, purpose: 'liveness' }
    }
    return undefined
  }

  /** A port of a host that is gone is left without an answer. */
  abandon(host: HostState): void {
    this.#abandoned.add(host)
  }

  /** Hosts of which ports were left without an answer. */
  get abandoned(): Iterable<HostState> {
    return this.#abandoned
  }
}
