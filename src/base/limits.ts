/**
 * Every bound with its unit and its reason. Whatever a peer can make grow has one. Those of the chat over UDP, which nothing
 * else shares, are in `datagram-chat/limits.ts`.
 * Names end in their unit: Bytes, Ms, Count.
 */
export const limits = {
  /** One length-prefixed frame. Large enough for any message of ours, small enough that 1,000 of them fit in memory. */
  frameBytes: 1_048_576,
  /** One text line, terminator included. A person types less, and a line is held in memory until it is whole. */
  lineBytes: 65_536,
  /** One read from a socket; what an epoll program would use, and more gains nothing. */
  readBytes: 65_536,
  /** Written but not yet taken by the peer; from here on reading pauses, so that a slow reader costs this and one read. */
  sendQueueBytes: 65_536,
  /** How long a peer that said nothing keeps us guessing which dialect it speaks. */
  dialectMs: 250,
  /** Further connections of a client whose first bytes came after that: lost ones are sent again by then, or the path is no path. */
  helloRetryCount: 4,
  /**
   * A connection on which nothing comes for so long is probed by the system once a second, and is over after ten probes
   * without an answer (RFC 1122 4.2.3.6): whoever lost its power or its network does not stay for ever.
   */
  keepAliveMs: 60_000,
  /** Connections at a time; each costs about 10 KiB. */
  maxClients: 16_384,
  /** How long open conversations may go on once the server was told to stop. */
  drainMs: 5_000,
  /** How long we go on reading after our FIN, so that the peer gets our last bytes instead of a reset (RFC 1122 4.2.2.13). */
  lingerMs: 2_000,
  /** Ports tried after the one that was asked for. */
  portFallbackCount: 100,
  /** Connection attempts the system queues for us; libuv's and nginx's number. */
  listenBacklog: 511,
  /** `--threads`: beyond this, threads cost more memory than they can give back. */
  threads: 256,
  /** `--thread-per-client`: 8–12 MiB each. */
  clientThreads: 256,
  /** How often deadlines of conversations are looked at: often enough for seconds, seldom enough to cost nothing. */
  sweepMs: 1_000,
  /** The same while conversations are closing. */
  closingSweepMs: 100,
  /** File descriptors that one more thread opens: epoll, wake-up, signals, and its timers' and files' share. */
  threadDescriptors: 6,
  /** The same of a thread that keeps files: a database has three open, and a file that is replaced two. */
  storageDescriptors: 12,
  /** File descriptors kept free for log rotation, users file, database and name resolution. */
  reservedDescriptors: 16,
  /** Connections that are just being told that there are too many; beyond it they are reset without a word. */
  refusalsAtOnce: 64,
  refusalMs: 1_000,
  /** Messages decoded and not yet taken by the protocol; above either, reading pauses. */
  inboxCount: 256,
  inboxBytes: 1_048_576,
  /** A TLS handshake, or the first byte of a client that must use TLS: three lost packets on a slow network. */
  handshakeMs: 10_000,
  /** Events for a standard error that nobody reads. */
  talkBytes: 1_048_576,
  /** A thread that died is replaced after this long: what killed it may go on for a while. */
  threadRestartMs: 1_000,
  /** A read of so much is one of a stream: copying it would cost more than a buffer for its client. */
  streamReadBytes: 16_384,
  /** Connecting, name resolution included. */
  connectMs: 10_000,
  /** One address of several, before the next is tried. Node gives up on the slow one then, so RFC 8305's 250 ms would lose satellite links. */
  connectAttemptMs: 1_000,
  /** npm and the terminal each pass one Ctrl-C on; two signals this close together are one wish. */
  sameSignalMs: 250,
  /** How long one writer of netlab.db waits for another one in the same file. */
  databaseBusyMs: 5_000,
  /** Addresses of one scan: an IPv4 /8. More than that is a mistake more often than a plan. */
  scanAddressCount: 16_777_216,
  /** Addresses of one IPv6 network or range (a /112); a /64 has 18 quintillion, which no scan ends. */
  scanIpv6RangeCount: 65_536,
  /** A file of scan targets: room for 500,000 lines. */
  scanTargetsBytes: 16_777_216,
  /** Names resolved at a time; the system's resolver has four threads, so more only wait. */
  scanLookupCount: 8,
  /** Scanning more addresses than this needs a yes. */
  scanConfirmAddressCount: 4_096,
  /** Results kept to be listed in order at the end, 400 bytes each; beyond it they are only counted, and that is told. */
  scanListedCount: 250_000,
  /** Ports that `--wait` asks again and again: one host's worth. */
  scanWaitCount: 65_535,
  /** Between two rounds of `--wait`: a service that starts is noticed at once by a person, and asked gently. */
  scanWaitPauseMs: 250,
  /** What a killed scan may lose of its `--resume` file. */
  scanCheckpointMs: 30_000,
  /** A scan's sockets at a time, per scan; the descriptor limit usually comes first. */
  scanProbes: 16_384,
  /** RFC 6298's timeout before the first sample; then no less than a busy machine's own delays, no more than a person's patience. */
  scanFirstTimeoutMs: 1_000,
  scanMinTimeoutMs: 100,
  scanMaxTimeoutMs: 1_250,
  /** The same for a host that is known to answer later: two satellites, or a queue that is full for seconds. */
  scanFarTimeoutMs: 3_000,
  /** Probes per second: at the start, at least, where nothing answers, and at most (far above what a processor does). */
  scanFirstRate: 1_000,
  scanMinRate: 50,
  scanBlindRate: 5_000,
  scanMaxRate: 200_000,
  /** How long nothing at all may come back before ports that used to answer are taken for dead. */
  scanOutageMs: 3_000,
  /** How long a host that fell silent is waited for: longer than a switch's spanning tree takes (IEEE 802.1D, 2 × 15 s). */
  scanGoneMs: 40_000,
  /** How often it is asked meanwhile whether it is back. */
  scanVigilMs: 250,
  /** How long a limit that was found is kept to before more is tried, at first; doubled each time it is found again. */
  scanBelieveLimitMs: 3_000,
  /** The chance of a missed open port below which silence is believed. */
  scanMissChance: 0.005,
  /** Attempts at a silent port, whatever the loss. */
  scanAttempts: 25,
  /** How often our own system may fail to make an attempt: from shortage, and otherwise. */
  scanShortages: 20,
  scanFailures: 5,
  /** Ports and hosts taken up and not finished; each port costs 19 bytes while it waits, each host up to 3 KiB with its share of caches. */
  scanUnresolved: 400_000,
  scanHosts: 4_096,
  /** What a service says unasked: how much is kept, how long it may take to begin, and how long a pause ends it. */
  bannerBytes: 512,
  bannerMs: 1_500,
  bannerPauseMs: 100,
  /** A password in UTF-8: NIST SP 800-63B's least length, and far more than a passphrase needs. */
  passwordMinBytes: 8,
  passwordMaxBytes: 1024,
  /** Passwords that wait to be hashed; at 33 ms each the last one waits 8 s on one core, about what a person bears. */
  waitingHashes: 256,
  /** From the first word to being logged in; someone who fetches a password from a manager needs less. */
  loginMs: 60_000,
  /** Logins that fail before a connection is closed; more is guessing. */
  loginAttempts: 10,
  /** Messages that make no sense before a connection is closed. */
  badMessages: 10,
  /** How often someone who waits for an answer is told so; it also shows whether they are still there. */
  waitNoticeMs: 2_000,
  /** Accounts and sources whose failures are remembered; about 100 bytes each, the one silent longest is forgotten first. */
  throttleEntries: 65_536,
  /** Reads in a few milliseconds, while other threads start; 6,000 users. */
  usersReadTwiceBytes: 1_048_576,
  /** A temporary file beside the one it was to replace, not written to for so long, was left by a process that died. */
  abandonedFileMs: 600_000,
  /** To take a lock over lasts microseconds; who has been at it for so long will not end, though somebody has that pid now. */
  lockTakeoverMs: 10_000,
  /** Hosts and users kept, each: a users file of some 20 MB, still rewritten in well under a second. */
  accounts: 100_000,
  /** Sessions of one user; the one silent longest makes room. */
  sessionsPerUser: 32,
  /** A session ends when not used for this long, and after this long in any case. */
  sessionIdleMs: 86_400_000,
  sessionMaxMs: 2_592_000_000,
  /** Longest session token that is looked at; ours have 43 characters. */
  tokenCodeUnits: 128,
} as const
