import { serviceName } from '../services.ts'
import type { ScanTimeline } from '../timeline.ts'
import type { HostEvidence, PortResult, ScanHost } from '../types.ts'
import { escapeBytes, type ScanReport } from './report.ts'

/** The version of the documents, raised when a reader of the old one would misunderstand the new one. */
const version = 1

function hostFields({ address, family, name, names }: ScanHost) {
  return { address, family, ...(name !== undefined && { name, names: names ?? [name] }) }
}

function portFields({ port, state, reason, rttMs, attempts, banner, tls }: PortResult) {
  const service = serviceName(port)
  return {
    port,
    state,
    reason,
    ...(rttMs !== undefined && { rttMs: roundMs(rttMs) }),
    attempts,
    ...(service !== undefined && { serviceGuess: service }),
    ...(banner !== undefined && { banner: escapeBytes(banner) }),
    ...(tls !== undefined && { tls }),
  }
}

/** Microseconds are as fine as the clock is honest. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function summaryFields({ results, hostCounts, timeline, startedAt, durationMs, expectedMissed, ...rest }: ScanReport) {
  const times = { startedAt: new Date(startedAt).toISOString(), durationMs: roundMs(durationMs) }
  return { ...times, ...rest, expectedMissed: roundChance(expectedMissed) }
}

function timelineFields({ intervalMs, intervals }: ScanTimeline) {
  const fields = intervals.map(({ rttMs, maxRttMs, ...counts }) => {
    if (rttMs === undefined || maxRttMs === undefined) return counts
    return { ...counts, rttMs: roundMs(rttMs), maxRttMs: roundMs(maxRttMs) }
  })
  return { intervalMs, intervals: fields }
}

function evidenceFields({ host: _host, lossShare, expectedMissed, ...counts }: HostEvidence) {
  return { ...counts, lossShare: roundChance(lossShare), expectedMissed: roundChance(expectedMissed) }
}

/** Six digits tell more than is known. */
function roundChance(chance: number): number {
  return Math.round(chance * 1e6) / 1e6
}

/** One JSON document (docs/scan-output.schema.json), in pieces so that a large one is never held twice. */
export function* renderJson(report: ScanReport): Generator<string> {
  const head = JSON.stringify({ format: 'netlab-scan', version, ...summaryFields(report) }, undefined, 2)
  yield `${head.slice(0, -2)},\n  "timeline": ${JSON.stringify(timelineFields(report.timeline))},\n  "hosts": [`
  let first = true
  for (const { host, ports, evidence } of report.results) {
    const fields = { ...hostFields(host), ...(evidence !== undefined && { evidence: evidenceFields(evidence) }) }
    yield `${first ? '' : ','}\n    ${JSON.stringify(fields).slice(0, -1)},"ports":[`
    yield* lines(ports)
    yield '\n    ]}'
    first = false
  }
  yield first ? ']\n}\n' : '\n  ]\n}\n'
}

function* lines(ports: readonly PortResult[]): Generator<string> {
  for (const [index, result] of ports.entries()) {
    yield `${index === 0 ? '' : ','}\n      ${JSON.stringify(portFields(result))}`
  }
}

/** One line of JSON Lines: a result. */
export function resultLine(result: PortResult): string {
  return `${JSON.stringify({ type: 'result', ...hostFields(result.host), ...portFields(result) })}\n`
}

/** The last line of JSON Lines: the summary. */
export function summaryLine(report: ScanReport): string {
  const hosts = report.results.flatMap(({ evidence }) => (evidence === undefined ? [] : [evidence]))
  const evidence = hosts.map((one) => ({ ...hostFields(one.host), ...evidenceFields(one) }))
  const timeline = timelineFields(report.timeline)
  const fields = { type: 'summary', format: 'netlab-scan', version, ...summaryFields(report), timeline, evidence }
  return `${JSON.stringify(fields)}\n`
}
