/** Bounds of the listener core, each with its unit and its reason. */
export const serveLimits = {
  /** How long after its last byte part of a line is told to wait for its end: nobody who types takes so long for a word. */
  unfinishedMs: 5_000,
  /** How often it is looked at then. */
  unfinishedSweepMs: 1_000,
  /** Written but not yet taken by the peer; from here on reading pauses, so that a slow reader costs this and one read. */
  sendQueueBytes: 65_536,
  /** A read of so much is one of a stream: copying it would cost more than a buffer for its client. */
  streamReadBytes: 16_384,
  /** Peers that are looked at in one turn of the loop: asking all of them at once would keep everybody waiting. */
  looksPerTurn: 256,
  /** A chunk with nothing but the answer to a ping is shorter. */
  pongBytes: 64,
  /** Connection attempts the system queues for us; libuv's and nginx's number. */
  listenBacklog: 511,
  /**
   * What all clients of a server may make it hold together: messages that are not whole or not yet taken, answers that are not
   * read. So much, or a part of the memory that the system gives this process, but enough for some dozens at a time.
   */
  bufferBytes: 67_108_864,
  bufferPart: 1 / 4,
  bufferMinBytes: 4_194_304,
  /** `--buffer-memory`: it is counted in 32 bits. */
  bufferMaxBytes: 1_073_741_824,
  /** From this part of it on memory is short: who holds much waits, and the rest is for the others. */
  bufferLine: 3 / 4,
  /** The largest holders on which nothing moves for so long are cut then, until only this part is held; above it no stream gets a buffer. */
  bufferTarget: 1 / 2,
  bufferIdleMs: 2_000,
  /** Less is not counted: ordinary messages come and go without a word, and as many clients as there may be hold 16 MiB so. */
  uncountedBytes: 1_024,
  /** One read while memory is short: what a client that has waited for nothing until now may still add. */
  shortReadBytes: 4_096,
  /** How often those who wait for memory are looked at. */
  bufferWaitMs: 100,
  /** How often an operator is told at most, by each thread, that memory is short. */
  shortNoticeMs: 10_000,
  /** What a client takes by being there, in the thread that serves it and the one that listens. */
  clientBytes: 16_384,
  /** When at least so much of what clients took is free again, and at most half of it is still taken, the system gets it back… */
  spareBytes: 8_388_608,
  /** …after so long, in which sockets close and what they wrote is taken. */
  spareMs: 500,
  /** When the sockets of one turn of the loop have taken so long to read, each is read once a turn, and the others have their turn. */
  turnMs: 5,
  /** So many of those that wait for it are read in one turn, about 2 ms: whoever sends little has not to wait for all who send much. */
  turnReads: 16,
  /** A TLS handshake under way: 95 KiB in which a ClientHello of 64 KiB does not end (measured), and OpenSSL takes one of 128 KiB. */
  handshakeBytes: 131_072,
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
  /** What a peer that broke the protocol may go on sending after that; then it is reset, and on Linux still finds why in its buffer. */
  lingerBytes: 262_144,
  /** A TLS handshake, or the first byte of a client that must use TLS: three lost packets on a slow network. */
  handshakeMs: 10_000,
} as const
