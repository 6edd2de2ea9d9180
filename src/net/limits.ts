/** Bounds of streams and connections, each with its unit and its reason. */
export const netLimits = {
  /** One length-prefixed frame. Large enough for any message of ours, small enough that 1,000 of them fit in memory. */
  frameBytes: 1_048_576,
  /** One read from a socket; what an epoll program would use, and more gains nothing. */
  readBytes: 65_536,
  /** How long a peer that said nothing keeps us guessing which dialect it speaks. */
  dialectMs: 250,
  /** A conversation's first bytes that are looked at for other protocols: requests with all their headers are shorter (browsers and proxies refuse more). */
  foreignBytes: 65_536,
  /** A line is known to be another protocol's by so many of its first bytes; the longest signature has 450. */
  foreignLineBytes: 512,
  /** A message of a peer that nobody knows yet; whoever has logged in may send longer ones. A password of 1 KiB in JSON, every byte escaped. */
  firstMessageBytes: 8_192,
  /** One read of messages: most are far shorter, and what is read is held until the protocol has taken all of it. */
  messageReadBytes: 8_192,
  /** Bytes of messages that the protocol has not taken yet; above it, or above one message, reading pauses. */
  inboxBytes: 65_536,
  /** One address of several, before the next is tried. Node gives up on the slow one then, so RFC 8305's 250 ms would lose satellite links. */
  connectAttemptMs: 1_000,
  /** The least room that is made at a time for a message that straddles chunks. */
  gatherBytes: 1_024,
  /**
   * Who has been silent for so long is asked whether it is still there: often enough for most routers to remember the
   * connection, seldom enough for a telephone's battery.
   */
  pingMs: 15_000,
  /** `--ping-interval`: below it one lost packet would be silence, above it the dead stay longer than anybody waits. */
  pingMinMs: 1_000,
  pingMaxMs: 3_600_000,
  /** How often it is looked within that time whether something came. */
  looksPerPing: 6,
  /** So many looks in a row without a word, with two questions among them, and the peer is gone: 35 to 37.5 s. */
  looksUntilGone: 14,
  /**
   * TCP asks by itself who has been silent for this part of the time, a little later than we do, so many times and at these
   * distances (RFC 1122, 4.2.3.6): gone after 35 s.
   */
  keepAliveDelay: 4 / 3,
  keepAliveGap: 1 / 5,
  keepAliveCount: 5,
  /** How long the system may wait at most before it repeats a question to a peer that is silent, or takes nothing. */
  tcpQuestionMs: 5_000,
  /** Validity of a certificate that we make: as long as a machine is used, since nobody renews it. */
  certificateMs: 10 * 365.25 * 86_400_000,
  /** It is valid before it was made, for peers whose clock is behind. */
  certificateEarlyMs: 86_400_000,
} as const
