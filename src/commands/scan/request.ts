import { UsageError } from '../../base/errors.ts'
import { allPorts, topPorts } from '../../scan/ports.ts'
import type { ScanValues } from './options.ts'

export type OutputFormat = 'text' | 'json' | 'jsonl' | 'csv'

/** What the options say together. */
export interface ScanRequest {
  /** Ascending, at least one. */
  readonly ports: readonly number[]
  /** Ports that must be open for exit 0: of --expect, or with --wait all that are scanned. */
  readonly expected: readonly number[] | undefined
  readonly format: OutputFormat
}

/**
 * Checks the options against each other.
 * @throws {UsageError} when they contradict each other.
 */
export function readRequest(values: ScanValues): ScanRequest {
  if (values.ports !== undefined && values.top !== undefined) {
    throw new UsageError('--ports and --top both say which ports', { hint: 'leave one of them' })
  }
  const named = values.ports ?? (values.top === undefined ? undefined : topPorts(values.top)) ?? values.expect
  if (values.wait !== undefined && named === undefined) {
    throw new UsageError('--wait needs to know which ports to wait for', { hint: 'name them with --ports' })
  }
  if (values.wait !== undefined && values.resume !== undefined) {
    throw new UsageError('--wait begins anew each time, so there is nothing to --resume', { hint: 'leave one of them' })
  }
  const excluded = new Set(values.excludePorts)
  const ports = (named ?? allPorts()).filter((port) => !excluded.has(port))
  if (ports.length === 0) throw new UsageError('no port is left to scan: --exclude-ports covers them all')
  const unscanned = values.expect?.filter((port) => !ports.includes(port)) ?? []
  if (unscanned.length > 0) {
    throw new UsageError(`port ${unscanned[0]} is expected to be open, but is not among the ports to scan`, {
      hint: 'add it to --ports',
    })
  }
  const expected = values.expect ?? (values.wait === undefined ? undefined : ports)
  return { ports, expected, format: formatOf(values) }
}

function formatOf({ json, jsonl, csv, output }: ScanValues): OutputFormat {
  const asked = Object.entries({ json, jsonl, csv }).flatMap(([name, on]) => (on ? [name] : []))
  if (asked.length > 1) {
    throw new UsageError(`--${asked.join(' and --')} are different formats`, { hint: 'leave one of them' })
  }
  if (json) return 'json'
  if (jsonl) return 'jsonl'
  if (csv) return 'csv'
  const ending = /\.(json|jsonl|ndjson|csv)$/i.exec(output ?? '')?.[1]?.toLowerCase()
  if (ending === 'json' || ending === 'csv') return ending
  return ending === undefined ? 'text' : 'jsonl'
}
