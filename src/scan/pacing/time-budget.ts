import type { HostState } from './host-state.ts'
import { pacingLimits as limits } from './limits.ts'

/*
 * How long a scan may take. One with perfect knowledge of the limits would send each port that answers one probe, each silent one as many as
 * the loss on the way demands, at the rate that the path lets through, and wait for the last answers. Three times as long and ten seconds
 * is the bound: what can't be found out by then is left in doubt, and the summary says so.
 */

/** What is known of the path while the scan runs. */
export interface PathKnowledge {
  /** Probes per second that it lets through, as far as is known. */
  readonly rate: number
  /** Open ports found. */
  readonly openCount: number
}

/** Judges whether a scan takes longer than it should. */
export class TimeBudget {
  readonly #startMs: number
  #waitedMs = 0
  #lastMs: number
  #dueMs: number
  /** Probes that finished hosts needed. */
  #needed = 0

  constructor(nowMs: number) {
    this.#startMs = nowMs
    this.#lastMs = nowMs
    this.#dueMs = nowMs + limits.budget.extraMs
  }

  /** A host is finished. */
  finished(host: HostState, path: PathKnowledge): void {
    this.#needed += neededProbes(host, path)
  }

  /** Time has passed. `isWaiting`: for hosts that fell silent, which is no fault of the scan. True: it must end. */
  isSpent(nowMs: number, isWaiting: boolean, hosts: Iterable<HostState>, path: PathKnowledge): boolean {
    if (isWaiting) this.#waitedMs = Math.min(this.#waitedMs + nowMs - this.#lastMs, limits.liveness.maxSilenceMs)
    this.#lastMs = nowMs
    if (nowMs < this.#dueMs) return false
    const { extraMs, factor, checkMs } = limits.budget
    this.#dueMs = nowMs + checkMs
    let needed = this.#needed
    let tailMs = 0
    for (const host of hosts) {
      needed += neededProbes(host, path)
      tailMs = Math.max(tailMs, neededAttempts(host, path) * host.rtt.timeoutMs(1))
    }
    const idealMs = (needed * 1000) / path.rate + tailMs
    return nowMs - this.#startMs - this.#waitedMs > factor * idealMs + extraMs
  }
}

function neededProbes(host: HostState, path: PathKnowledge): number {
  const answered = host.answeredCount
  return answered / (1 - lossOf(host)) + (host.cursor - answered) * neededAttempts(host, path)
}

/** Attempts at a silent port, until fewer than the tolerable number of open ones is missed. */
function neededAttempts(host: HostState, { openCount }: PathKnowledge): number {
  const { missChance, minAttempts } = limits.scan
  const attempts = Math.log(missChance / Math.max(1, openCount)) / Math.log(lossOf(host))
  return Math.min(Math.max(minAttempts, Math.ceil(attempts)), limits.budget.maxAttempts)
}

function lossOf(host: HostState): number {
  const { lost, sent } = host.usualLoss(false)
  return Math.min(lost / sent, limits.randomLoss.maxShare)
}
