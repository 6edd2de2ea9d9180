import type { Counts, HostResults } from '../findings.ts'
import type { PortState } from '../types.ts'

/** What a scan came to, ready to be written in any format. */
export interface ScanReport {
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** Compact: `10.0.0.1-10.0.0.20,::1`. */
  readonly targets: string
  readonly hostCount: number
  /** Compact: `22,80,8000-8100`. */
  readonly ports: string
  readonly portCount: number
  /** The states that are listed; ports of the others are only counted. */
  readonly shown: readonly PortState[]
  /** Every port has an answer that can be trusted. */
  readonly complete: boolean
  /** Stopped by a signal or by `q`. */
  readonly interrupted: boolean
  /** What was not done, and what else a reader must know. */
  readonly notes: readonly string[]
  readonly counts: Counts
  readonly notScanned: number
  readonly engine: 'net' | 'libc'
  readonly threads: number
  readonly probes: number
  readonly retries: number
  readonly durationMs: number
  /** Hosts in ascending order, each with its ports in ascending order. */
  readonly results: readonly HostResults[]
}
