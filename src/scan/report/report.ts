import type { CountedHost, StateCounts } from '../host-counts.ts'
import type { HostResults } from '../results.ts'
import type { ScanTimeline } from '../timeline.ts'
import type { EngineName, PortState } from '../types.ts'

/** What a scan came to, ready to be written in any format. */
export interface ScanReport {
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** Compact: `10.0.0.1-10.0.0.20,::1`. */
  readonly targets: string
  readonly hostCount: number
  /** Compact: `22,80,8000-8100`. */
  readonly ports: string
  /** Different ones. */
  readonly portCount: number
  /** Ports over all addresses. */
  readonly portTotal: number
  /** Names that have no address. */
  readonly unresolved: readonly string[]
  /** The states that are listed; ports of the others are only counted. */
  readonly shown: readonly PortState[]
  /** Every port has an answer, and less than a hundredth of an open port is expected to be missed. */
  readonly complete: boolean
  /** Open ports expected to be among the silent ones. */
  readonly expectedMissed: number
  /** Stopped by a signal or by `q`. */
  readonly interrupted: boolean
  /** What was not done, and what else a reader must know. */
  readonly notes: readonly string[]
  readonly counts: StateCounts
  /** The same for each host, by address; undefined where that was not counted. Not in JSON. */
  readonly hostCounts?: ReadonlyMap<string, CountedHost> | undefined
  readonly notScanned: number
  readonly engine: EngineName
  readonly threads: number
  readonly probes: number
  readonly retries: number
  readonly durationMs: number
  /** Of this process, where an earlier one had begun the scan. */
  readonly timeline: ScanTimeline
  /** Hosts in ascending order, each with its ports in ascending order. */
  readonly results: readonly HostResults[]
}

const short: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' }

/**
 * What a peer sent, as printable ASCII that no terminal obeys: `\t`, `\n`, `\r`, `\\`, and `\xNN` for any other byte that
 * is not printable. Every byte can be told from the text.
 */
export function escapeBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const printable = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    text += printable ? String.fromCharCode(byte) : (short[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`)
  }
  return text
}
