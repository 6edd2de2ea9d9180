/** The bounds of a scan and what tunes it, but for its pacing (`pacing/limits.ts`), each with its unit and its reason. */
export const scanLimits = {
  /** Addresses of one scan: an IPv4 /8. More than that is a mistake more often than a plan. */
  addressCount: 16_777_216,
  /** Addresses of one IPv6 network or range (a /112); a /64 has 18 quintillion, which no scan ends. */
  ipv6RangeCount: 65_536,
  /** Scanning more addresses than this needs a yes. */
  confirmAddressCount: 4_096,
  /** A file of targets: room for 500,000 lines. */
  targetsBytes: 16_777_216,
  /** Names that begin to be looked up at a time, each with two questions: fewer than the 150 that a small name server takes at once (dnsmasq). */
  lookupCount: 64,
  /** A name that takes longer gives its place to the next, so that silent ones hold up nobody: 256 of them a second. */
  lookupPatienceMs: 250,
  /** Names being looked up in all: so many wait for silence to end, and each costs some KiB. */
  lookupOpenCount: 4_096,
  /** When a question to DNS is asked, and asked again: a lost datagram costs little, and a slow server is not flooded. */
  dnsAttemptsMs: [0, 1_500, 4_000],
  /** How long the other family's addresses are waited for once one's are known (as a resolution delay, RFC 8305 3, but names are scanned, not raced). */
  otherFamilyMs: 1_000,
  /** Calls of getaddrinfo at a time: libuv lets slow work have half of its four threads. */
  systemLookupCount: 2,
  /** Domains that a name is completed with: more than six are ignored by older systems, and each is a question a name. */
  searchDomains: 6,
  /** Names of which it is said one by one that they could not be resolved; JSON has them all. */
  saidFailures: 20,
  /** Results kept to be listed in order at the end, 400 bytes each; beyond it they are only counted, and that is told. */
  listedCount: 250_000,
  /** A report to compare with: one with all results that are listed has some 40 MiB. */
  reportBytes: 268_435_456,
  /** Hosts of which each is counted for itself, some 500 bytes each: a /16; of larger scans only the whole is. */
  countedHosts: 65_536,
  /** The first length of a timeline's intervals, and how many there are (an even number): bars of 5 pixels in a picture of 600. */
  timelineIntervalMs: 10,
  timelineIntervals: 120,
  /** Hosts and ports in the picture of an HTML page: two /24, and as many ports as stand legibly on a screen. The table has all. */
  gridHosts: 512,
  gridPorts: 40,
  /** Ports that `--wait` asks again and again: one host's worth. */
  waitPortCount: 65_535,
  /** Between two rounds of `--wait`: a person notices no delay, and the host is not hammered. */
  waitPauseMs: 250,
  /** Between two questions for a name while it is waited for: soon enough for a person, and a name server does not mind. */
  waitLookupMs: 1_000,
  /** Addresses of a name that are told when they have changed. */
  saidAddresses: 5,
  /** What a killed scan may lose of its `--resume` file. */
  checkpointMs: 30_000,
  /** `--rate` in probes per second: more than any processor makes. */
  rateMax: 10_000_000,
  /** `--retries`: so many attempts find an open port even where nine of ten are lost. */
  retriesMax: 100,

  /** A scan's sockets at a time; the descriptor limit usually comes first. */
  probeCount: 16_384,
  /** The same with `node:net`: a net.Socket takes about 4 KiB, and more of them gain nothing at the rate it can send. */
  netProbeCount: 1_024,
  /** Descriptors kept free for what opens while the scan runs: its threads, `-o`, `--resume`, name resolution. */
  reservedDescriptors: 32,
  /** Sockets at least, however few descriptors seem free: a shortage slows the scan down, it does not stop it. */
  probeMinCount: 16,

  /** What a service says unasked: how much is kept, how long it may take to begin, and how long a pause ends it. */
  bannerBytes: 512,
  bannerMs: 1_500,
  bannerPauseMs: 100,

  /**
   * Open ports asked for TLS: at a time, each with a descriptor of those reserved; a second, as a handshake costs a server a thousand
   * times as much as a probe; and of one host, since no machine has that many such services and a tarpit has them all.
   */
  tlsCount: 16,
  tlsRate: 50,
  tlsPortsOfHost: 256,
  /** For connection and handshake together, four round trips: a second for each. */
  tlsMs: 4_000,
  /** `--expect-cert-days`: no certificate that browsers take is valid for longer than some years. */
  certificateDaysMax: 36_500,
  /** Names of a certificate that fit into a line for a person. */
  saidNames: 3,
  /** Names of a certificate that are kept, and the longest text: a DNS name has 253 characters. */
  certificateNames: 20,
  certificateText: 256,

  /** Between two turns of the scan that have nothing to hurry: a fiftieth of the shortest timeout. */
  turnMs: 2,
  /** Longest that sending keeps the thread from its events. */
  sliceMs: 10,
  /** Probes that the scan's own thread makes in one turn: few, so that answers are taken up soon. */
  turnProbeCount: 64,
  /** Between two reports of progress: ten a second are as many as a person sees. */
  progressMs: 100,
  /** Weight of the latest span in the smoothed rate that progress shows: it settles within a second. */
  progressRateGain: 0.3,
  /** No time left is told before so long: the first rates are those of a start. */
  etaAfterMs: 500,
  /** How late a silence may be noticed; far below the shortest timeout. */
  silenceTickMs: 5,
  /** The timer wheel: milliseconds of one slot, below the tick, and slots, so that one turn is longer than usual timeouts. */
  wheelSlotMs: 4,
  wheelSlots: 512,

  /** The kernel sends a lost SYN again after a second (tcp_syn_linear_timeouts, RFC 6298 2.1), and takes an answer to it a moment later. */
  secondSynMs: 1_200,
  /** Ports remembered as unreachable while that may be an outage: 100 bytes each. */
  unreachableCount: 65_536,

  /** A host is taken for a tarpit when of so many ports tried more than this share is open: no machine has that many services. */
  tarpitSample: 100,
  tarpitShare: 0.9,

  /** A scan that looks at nothing for so long was stopped: no turn of it takes a hundredth of that. */
  stallMs: 1_000,

  /** Events taken from epoll in one call: 3 KiB, and a loaded scan rarely has more. */
  epollEvents: 256,
  /** Refused sockets kept for further ports; as many as are refused between two turns. */
  idleSockets: 256,
  /** Hosts whose parsed address is kept: those beyond are probed in turn, so none would be met again before it had to go. */
  cachedHosts: 1_024,
  /** Second connects in a row that know nothing yet, after which they are not tried any more; one that knows restores a credit. */
  eagerCredit: 8,

  /** Probes on their way to the threads, a power of two so that sequence numbers may wrap. */
  commandRingEntries: 1_024,
  /** Probes handed to the threads and not begun, a few milliseconds' worth: more would make the pacing's clock wrong. */
  threadBacklog: 256,
  /** Probes that a thread claims at a time: small, so that the threads share what there is, and see events in between. */
  threadChunk: 64,
  /** How long a thread without work waits before it looks again. */
  threadIdleMs: 1,
  /** A span over which it is judged whether the processor holds the scan up: long enough for a few turns of 10 ms. */
  cpuWindowMs: 40,
  /** A window with fewer turns says that the machine is busy with something else. */
  cpuWindowTurns: 3,
  /** Share of turns with more to send than there was time for, above which the scan is CPU-bound. */
  cpuBusyShare: 0.8,
  /** Ports left for which a thread pays: it costs 17 to 47 ms to start, as long as some thousands of ports take. */
  threadWorthPorts: 10_000,

  /** Addresses that a notice names; the others are counted. */
  noticedAddresses: 5,
  /** Streamed lines collected this long, or this many UTF-16 units, make one write. */
  outputBatchMs: 20,
  outputBatchLength: 65_536,
} as const
