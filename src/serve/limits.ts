/** Bounds of the listener core, each with its unit and its reason. */
export const serveLimits = {
  /** Written but not yet taken by the peer; from here on reading pauses, so that a slow reader costs this and one read. */
  sendQueueBytes: 65_536,
  /** A read of so much is one of a stream: copying it would cost more than a buffer for its client. */
  streamReadBytes: 16_384,
  /**
   * A connection on which nothing comes for so long is probed by the system once a second, and is over after ten probes
   * without an answer (RFC 1122 4.2.3.6): whoever lost its power or its network does not stay for ever.
   */
  keepAliveMs: 60_000,
  /** Connection attempts the system queues for us; libuv's and nginx's number. */
  listenBacklog: 511,
  /** Connections at a time; each costs about 10 KiB. */
  maxClients: 16_384,
  /** `--threads`: beyond this, threads cost more memory than they can give back. */
  threads: 256,
  /** `--thread-per-client`: 8–12 MiB each. */
  clientThreads: 256,
  /** A thread that died is replaced after this long: what killed it may go on for a while. */
  threadRestartMs: 1_000,
  /** File descriptors that one more thread opens: epoll, wake-up, signals, and its timers' and files' share. */
  threadDescriptors: 6,
  /** The same of a thread that keeps files: a database has three open, and a file that is replaced two. */
  storageDescriptors: 12,
  /** File descriptors kept free for log rotation, users file, database and name resolution. */
  reservedDescriptors: 16,
  /** Connections that are just being told that there are too many; beyond it they are reset without a word. */
  refusalsAtOnce: 64,
  refusalMs: 1_000,
  /** How often deadlines of conversations are looked at: often enough for seconds, seldom enough to cost nothing. */
  sweepMs: 1_000,
  /** The same while conversations are closing. */
  closingSweepMs: 100,
  /** How long we go on reading after our FIN, so that the peer gets our last bytes instead of a reset (RFC 1122 4.2.2.13). */
  lingerMs: 2_000,
  /** The header of a proxy, which sends it at once: two lost packets (its specification wants at least 3 s). */
  proxyHeaderMs: 5_000,
  /** A TLS handshake, or the first byte of a client that must use TLS: three lost packets on a slow network. */
  handshakeMs: 10_000,
} as const
