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
  /** Attempts that our own system can have under way. */
  readonly capacity: number
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
    const elapsedMs = nowMs - this.#startMs - this.#waitedMs
    let needed = this.#needed
    let tailMs = 0
    let waitsMs = 0
    let slowestMs = 0
    for (const host of hosts) {
      needed += neededProbes(host, path)
      const attempts = neededAttempts(host, path)
      const timeoutMs = host.rtt.timeoutMs(1)
      tailMs = Math.max(tailMs, limits.scan.minAttempts * timeoutMs)
      waitsMs += (host.cursor - host.answeredCount) * attempts * timeoutMs
      slowestMs = Math.max(slowestMs, elapsedMs * lackingShare(host))
    }
    const sendingMs = Math.max((needed * 1000) / path.rate, waitsMs / path.capacity, slowestMs)
    return elapsedMs > factor * (sendingMs + tailMs) + extraMs
  }
}

/**
 * How many times as many probes a host needed as those that arrived there: one that lets through less than the others takes so much longer,
 * whoever scans it.
 */
function lackingShare(host: HostState): number {
  // By open ports: many a host holds back refusals, which lets as much through as ever.
  const open = host.usualLoss(true)
  const loss = open.lost / open.sent
  if (open.sent < limits.history.enoughProbes || loss < limits.budget.limitedLossShare) return 0
  const needed = host.answeredCount + (host.cursor - host.answeredCount) * limits.scan.minAttempts
  return needed / Math.max(1, host.sentCount * (1 - loss))
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
