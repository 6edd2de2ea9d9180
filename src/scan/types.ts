/** What is known of one port of one host. Silence and local errors never become `closed`. */
export type PortState = 'open' | 'closed' | 'filtered' | 'unreachable' | 'error'

/** The states of a port, in the order in which people care. */
export const portStates: readonly PortState[] = ['open', 'filtered', 'closed', 'unreachable', 'error']

/** How sockets are made: by Node, or by the C library. */
export type EngineName = 'net' | 'libc'

/** A numeric address; of a link-local one with its zone (`fe80::1%eth0`). */
export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** One host to scan. */
export interface ScanHost extends HostAddress {
  /** The first of its names. */
  readonly name?: string
  /** What the person typed, where that was a name: all of them that led to this address. */
  readonly names?: readonly string[]
}

/** What a port says of itself in TLS. */
export interface TlsInfo {
  /** The version agreed on, as `TLSv1.3`; absent when the handshake was refused. */
  readonly version?: string
  /** The application's protocol agreed on (ALPN, RFC 7301). */
  readonly alpn?: string
  /** In TLS's words why the handshake was refused: a client's certificate or another name is wanted, say. */
  readonly refused?: string
  readonly certificate?: CertificateInfo
}

/** Of the server's own certificate; nobody has checked it. All text is safe to show, and bounded. Times are RFC 3339, UTC. */
export interface CertificateInfo {
  readonly subject: string
  /** DNS names and addresses. */
  readonly names: readonly string[]
  /** How many names are not in `names`. */
  readonly moreNames?: number
  readonly issuer: string
  /** Absent, as the next two, where the certificate has no time that can be read. */
  readonly validFrom?: string
  readonly validTo?: string
  /** Whole days when it was read; negative once it has ended. */
  readonly daysLeft?: number
  /** SHA-256, as `openssl x509 -fingerprint -sha256` writes it. */
  readonly fingerprint: string
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
  /** Of an open port that speaks TLS, when that was asked for. */
  readonly tls?: TlsInfo
}

/** Hosts × ports that one run of the scanner walks lazily: neither list is ever multiplied out. */
export interface ScanPart {
  /** May be iterated once. */
  readonly hosts: Iterable<ScanHost>
  readonly hostCount: number
  /** Ascending, without duplicates. */
  readonly ports: readonly number[]
  /** Where hosts have different ones: those of a host, all of them among `ports`. */
  readonly portsOf?: ((host: HostAddress) => readonly number[]) | undefined
  /** How many ports over all hosts then are. */
  readonly portTotal?: number | undefined
}

/** How probes are made; what is undefined adapts to the network. */
export interface ProbeSettings {
  /** Probes per second. */
  readonly rate?: number | undefined
  readonly timeoutMs?: number | undefined
  /** Attempts after the first. */
  readonly retries?: number | undefined
  /** Attempts under way at most. */
  readonly concurrency?: number | undefined
  /** Read what an open port says first. */
  readonly banner?: boolean | undefined
  /** How long it may take to begin. */
  readonly bannerMs?: number | undefined
  /** Leave a host that accepts nearly every port. */
  readonly stopAtTarpit?: boolean | undefined
  readonly engine?: EngineName | undefined
  /** Upper bound on worker threads; undefined means as many as pay. */
  readonly threads?: number | undefined
}

/** What one run of the scanner is to do. */
export interface ScanPlan extends ScanPart, ProbeSettings {}

/**
 * Why silent ports of a host are in doubt. `unheard`: nothing at all came from it; `time-up`: the scan ended before enough was known;
 * `lossy`: much of what was sent to ports that answer was lost; `little-evidence`: too few of its ports answer to tell.
 */
export const doubtReasons = ['unheard', 'time-up', 'lossy', 'little-evidence'] as const
export type DoubtReason = (typeof doubtReasons)[number]

/** How well founded it is that the silent ports of a host are filtered. */
export interface HostEvidence {
  readonly host: ScanHost
  /** Ports that stayed silent. */
  readonly silent: number
  /** Attempts at each of them, at most. */
  readonly attempts: number
  /** Attempts at ports that are known to answer, and the share of them that was lost. */
  readonly references: number
  readonly lossShare: number
  /** Open ports expected to be among the silent ones. */
  readonly expectedMissed: number
  /** Absent where the silence can be believed. */
  readonly doubt?: DoubtReason
}

/** What is in doubt of what was scanned. */
export interface ScanDoubt {
  /** Every port of every host has an answer, and less than a hundredth of an open port is expected to be missed. */
  readonly complete: boolean
  /** Open ports expected to be among the silent ones. */
  readonly expectedMissed: number
  /** Of hosts that have open ports or are in doubt, as many as are kept. */
  readonly evidence: readonly HostEvidence[]
  /** What was not, and what else a reader must know ("closed and filtered could not be told apart on …"). */
  readonly notes: readonly string[]
}

/** What one run of the scanner came to; the results themselves went to its observer. */
export interface ScanSummary extends ScanDoubt {
  /** The same of the ports that have an answer: it stands when the others are asked later. */
  readonly lasting: ScanDoubt
  readonly engine: EngineName
  readonly threads: number
  readonly probes: number
  readonly retries: number
  /** Ports without an answer: the scan was interrupted, or their host is gone. */
  readonly notScanned: number
}

/** How fast a scan is. */
export interface ScanPace {
  /** Probes sent per second, smoothed. */
  readonly rate: number
  /** Probes sent since the run began. */
  readonly sent: number
  /** Milliseconds left at the present rate; absent while unknown. */
  readonly etaMs?: number
}

export interface ScanObserver {
  /** One final answer, in the order of arrival. Closed ports arrive here too. */
  result(result: PortResult): void
  /** At most ten times a second. `doubt`: what would be in doubt if the scan stopped now, and went on later. */
  progress(pace: ScanPace, doubt: () => ScanDoubt): void
  /** A sentence worth saying once: a self-connect probed again, descriptors short, a limit found. */
  notice(sentence: string): void
}
