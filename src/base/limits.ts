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
