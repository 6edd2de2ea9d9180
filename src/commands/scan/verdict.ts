import { ExitCode } from '../../base/errors.ts'
import { formatRanges } from '../../scan/ranges.ts'
import type { ScanReport } from '../../scan/report/report.ts'
import { grouped } from '../../terminal/format.ts'

export interface Outcome {
  /** The signal that stopped the scan, if one did. */
  readonly stoppedBy: unknown
  /** Names that could not be resolved. */
  readonly failures: number
  /** Ports expected to be open that are not, over all addresses; undefined when nothing was expected. */
  readonly missing: number | undefined
  readonly open: number
}

/** What the shell is told. A signal comes first; then that not everything asked for could be scanned; then the answer. */
export function exitCode({ stoppedBy, failures, missing, open }: Outcome): ExitCode {
  if (stoppedBy !== undefined) return stoppedBy === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  if (failures > 0) return ExitCode.unavailable
  const found = missing === undefined ? open > 0 : missing === 0
  return found ? ExitCode.ok : ExitCode.negative
}

/** The sentence about ports that were expected to be open and are not. */
export function missingSentence(report: ScanReport, expected: readonly number[], missing: number): string {
  if (report.hostCount > 1) {
    const all = grouped(expected.length * report.hostCount)
    return `${grouped(missing)} of the ${all} ports expected to be open are not`
  }
  const open = new Set(
    report.results.flatMap(({ ports }) => ports.map(({ port, state }) => (state === 'open' ? port : 0))),
  )
  return `expected to be open, but not: ${formatRanges(expected.filter((port) => !open.has(port)))}`
}
