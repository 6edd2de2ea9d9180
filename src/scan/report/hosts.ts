import { compareIps, parseIp } from '../../net/ip.ts'
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
  const counts: StateCounts = report.hostCounts?.get(host.address)?.counts ?? only ?? {}
  return portStates.flatMap((state) => {
    const reasons = Object.entries(counts[state] ?? {})
    if (reasons.length === 0 || report.shown.includes(state)) return []
    return [{ state, count: sum(reasons), reasons }]
  })
}

/**
 * What is listed, and as nmap does it hosts besides that gave a sign of life and have no port to list; those are not known where
 * single hosts were not counted. In the order of addresses.
 */
export function hostsUp(report: ScanReport): readonly HostResults[] {
  const { results, hostCounts } = report
  if (hostCounts === undefined) return results
  const listed = new Set(results.map(({ host }) => host.address))
  const others = [...hostCounts.values()].filter(({ host, counts }) => isAlive(counts) && !listed.has(host.address))
  if (others.length === 0) return results
  const all = [...results, ...others.map(({ host }) => ({ host, ports: [] }))]
  const keyed = all.map((one) => ({ one, ip: parseIp(one.host.address) }))
  keyed.sort((a, b) => (a.ip === undefined || b.ip === undefined ? 0 : compareIps(a.ip, b.ip)))
  return keyed.map(({ one }) => one)
}

/** How many hosts gave a sign of life: of all hosts where single ones were counted, else of those listed. */
export function answeringHosts(report: ScanReport): number {
  if (report.hostCounts !== undefined)
    return [...report.hostCounts.values()].filter(({ counts }) => isAlive(counts)).length
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
