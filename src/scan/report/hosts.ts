import type { StateCounts } from '../host-counts.ts'
import type { HostResults } from '../results.ts'
import { type PortState, portStates } from '../types.ts'
import type { ScanReport } from './report.ts'

/** Ports of one host that are counted but not listed, by state. */
export interface UnlistedPorts {
  readonly state: PortState
  readonly count: number
  readonly reasons: readonly (readonly [reason: string, count: number])[]
}

/** What is not listed of a host; empty also where single hosts were not counted. */
export function unlistedPorts(report: ScanReport, { host }: HostResults): readonly UnlistedPorts[] {
  const only = report.hostCount === 1 ? report.counts : undefined
  const counts: StateCounts = report.hostCounts?.get(host.address) ?? only ?? {}
  return portStates.flatMap((state) => {
    const reasons = Object.entries(counts[state] ?? {})
    if (reasons.length === 0 || report.shown.includes(state)) return []
    return [{ state, count: sum(reasons), reasons }]
  })
}

/** How many hosts gave a sign of life: of all hosts where single ones were counted, else of those listed. */
export function answeringHosts(report: ScanReport): number {
  if (report.hostCounts !== undefined) return [...report.hostCounts.values()].filter(isAlive).length
  return report.results.filter(({ ports }) => ports.some(({ state }) => isAnswer(state))).length
}

function isAlive(counts: StateCounts): boolean {
  return portStates.some((state) => isAnswer(state) && counts[state] !== undefined)
}

/** Whether it is the host itself that spoke. */
export function isAnswer(state: PortState): boolean {
  return state === 'open' || state === 'closed'
}

function sum(reasons: readonly (readonly [string, number])[]): number {
  return reasons.reduce((total, [, count]) => total + count, 0)
}
