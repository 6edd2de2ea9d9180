/** What is known of one port of one host. Silence and local errors never become `closed`. */
export type PortState = 'open' | 'closed' | 'filtered' | 'unreachable' | 'error'

/** One host to scan; the address is numeric, the name what the person typed when that was a name. */
export interface ScanHost {
  readonly address: string
  readonly family: 4 | 6
  readonly name?: string
}

/** The final answer for one port. */
export interface PortResult {
  readonly host: ScanHost
  readonly port: number
  readonly state: PortState
  /** Why, in the field's terms: connected, refused, no-answer, host-unreachable, network-unreachable, admin-prohibited, or a local error's code. */
  readonly reason: string
  /** From the attempt that was answered; absent when none was. */
  readonly rttMs?: number
  /** Attempts made, from 1. */
  readonly attempts: number
  /** The first bytes the service sent unasked, when banners were asked for; raw, to be escaped by whoever prints it. */
  readonly banner?: Uint8Array
}

export interface ScanProgress {
  /** Ports with a final answer, never falling. */
  readonly done: number
  readonly total: number
  readonly open: number
  readonly closed: number
  readonly filtered: number
  readonly failed: number
  /** Probes sent per second, smoothed. */
  readonly rate: number
  /** Milliseconds left at the present rate; absent while unknown. */
  readonly etaMs?: number
}

/** What was asked of a scan. Hosts × ports are walked lazily: neither list is ever multiplied out. */
export interface ScanPlan {
  /** Hosts, lazily; may be iterated once. */
  readonly hosts: Iterable<ScanHost>
  readonly hostCount: number
  /** Ascending, without duplicates. */
  readonly ports: readonly number[]
  /** Fixes a part of the pacing by hand; absent means adaptive. */
  readonly rate?: number
  readonly timeoutMs?: number
  readonly retries?: number
  readonly concurrency?: number
  readonly banner?: boolean
  readonly engine?: 'net' | 'libc'
  /** Upper bound on worker threads; absent means as many as pay. */
  readonly threads?: number
}

export interface ScanSummary {
  /** Every port of every host has an answer that the pacing trusts. */
  readonly complete: boolean
  /** What was not, and what else a reader must know ("closed and filtered could not be told apart on …"). */
  readonly notes: readonly string[]
  readonly engine: 'net' | 'libc'
  readonly threads: number
  readonly probes: number
  readonly retries: number
  readonly durationMs: number
  readonly open: number
  readonly closed: number
  readonly filtered: number
  readonly unreachable: number
  readonly errors: number
  /** Ports without an answer: the scan was interrupted. */
  readonly notScanned: number
}

export interface ScanObserver {
  /** One final answer, in the order of arrival. Closed ports arrive here too. */
  result(result: PortResult): void
  /** At most ten times a second. */
  progress(progress: ScanProgress): void
  /** A sentence worth saying once: a self-connect probed again, descriptors short, a limit found. */
  notice(sentence: string): void
}
