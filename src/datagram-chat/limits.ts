/**
 * The bounds and timings of the chat over UDP, each with its unit and its reason, as in `base/limits.ts`. Sizes that the wire format
 * fixes stand beside their codecs.
 */
export const datagramLimits = {
  /** One datagram. IPv6 promises 1,280 bytes on every path (RFC 8200 5); less its headers and a tunnel's. */
  bytes: 1_200,
  /** One message in UTF-8, and the fragment of it that one datagram carries beside the longest name (32 characters of 4 bytes). */
  textBytes: 4_096,
  fragmentBytes: 1_000,
  /** Fragments of one member that are in flight or wait at the relay for the rate limit; 16 KiB a member. */
  windowFragments: 16,
  /** Fragments a member has queued and the relay has not yet accepted; a pipe waits, a person is told. */
  sendQueueFragments: 256,
  /** How often one fragment or request is sent before its author is told, as long as the relay is heard meanwhile. */
  attempts: 5,
  /** So many times these attempts begin anew for a fragment, each time because the relay is heard again after silence: small datagrams may come through where large ones never do. */
  attemptSeries: 3,
  /**
   * Copies of a datagram at each attempt. Whatever had to be sent again is on a bad line: five single datagrams are all lost once in
   * 400 times where 30 % are lost, these 12 once in two million.
   */
  copies: [1, 2, 3, 3, 3],
  /** From this attempt on a member gets nothing new, only repetitions ever further apart: it may have left without a word, and on the local network all that is sent to an address that is gone fills the send buffer for three seconds. */
  stalledAttempts: 3,
  /** Between two copies, because losses come in bursts. */
  copyGapMs: 20,
  /** How often a goodbye is sent; then the member is gone whether or not it was heard, and the relay notices its silence in the end. */
  goodbyes: 3,
  /** RFC 6298's timeout before the first sample (2.1), and the clock granularity G (2.3): timers here are no finer than a relay's tick. */
  initialTimeoutMs: 1_000,
  timerGranularityMs: 5,
  /** Its floor: 200 ms instead of 1 s (2.4, a SHOULD), as every common TCP has it, because a person waits for the echo of a line. */
  minTimeoutMs: 200,
  /** The same for the relay's records: their acknowledgements are delayed by up to `ackDelayMs`, so less would only send twice. */
  minRecordTimeoutMs: 300,
  /** Its ceiling (2.5). */
  maxTimeoutMs: 60_000,
  /** Records are acknowledged together, this long after the first (RFC 1122 4.2.3.2 allows TCP 500 ms). */
  ackDelayMs: 100,
  /** How long a gap may be mere reordering; only then are its records asked for. */
  reorderMs: 30,
  /** How often a member asks after fragments that wait at the relay: the acknowledgement that they were accepted may be lost. */
  heldPollMs: 1_000,
  /** Datagrams of records sent again for one acknowledgement; a member that lacks more asks again. */
  retransmitsPerAck: 8,
  /** What the relay's log keeps to send again; a member further behind has missed records and is told how many. */
  logRecords: 8_192,
  logBytes: 4_194_304,
  /** Records that came early and wait at the member for those before them. */
  earlyRecords: 2_048,
  /** Messages a newcomer is shown. */
  historyCount: 20,
  /** A member that has nothing to say sends an acknowledgement this often, and again at most this much later while it is not answered; whoever is not heard for so long is given up. */
  heartbeatMs: 15_000,
  heartbeatRetryMs: 4_000,
  silenceMs: 40_000,
  /** A member that is not heard tries to get back in: so many hellos, then it waits longer and longer, and takes a new socket. At most four seconds lie between two hellos, so that it is back soon after the network is. */
  rejoinAttempts: 2,
  rejoinMs: 1_000,
  rejoinMaxMs: 2_000,
  /** Somebody else may have one's name by then; but within a minute it may be one's own, from a handshake whose end was lost. */
  ghostMs: 60_000,
  /** A pipe that has said all it had to say tries so much longer. */
  patienceMs: 10_000,
  /** How often one looks which addresses the machine has; it takes 0.1 ms. */
  addressWatchMs: 1_000,
  /** Sessions of members that fell silent, and how long they can come back into them: a laptop that was closed overnight. About 4 KiB each. */
  awayMembers: 1_000,
  awayMs: 86_400_000,
  /** Records of a tick travel together; a tenth of what a person notices. */
  tickMs: 5,
  /** How often the relay looks for what has to be sent again: far below any retransmission timeout, so it adds little to one. */
  retransmitTickMs: 50,
  /** How often it looks for members that have gone silent while nothing else is to be done. */
  idleTickMs: 1_000,
  /** Members of a room, when nothing else was asked, and at most: each message costs one send a member. */
  members: 1_000,
  maxMembers: 10_000,
  /** Of these members, from one source (an IPv4 address, an IPv6 /64) that is not this machine: a school behind one router. */
  membersPerAddress: 100,
  /** Joins remembered at a time, so that one that comes again gets the same answer; each has proven its address. */
  answeredJoins: 20_000,
  /** Fragments a second that are accepted of one member, and how many at once. */
  fragmentsPerSecond: 10,
  fragmentsBurst: 20,
  /** Datagrams a second that are looked at for one member; acknowledgements and requests included. */
  datagramsPerSecond: 200,
  /** Datagrams sent in one turn of the event loop, at about 5 µs each. */
  slice: 1_000,
  /** What the system is asked to keep for us while we are busy; the usual 208 KiB hold only 170 full datagrams. It may give less. */
  receiveBufferBytes: 4_194_304,
  /** Bytes the system has not yet taken from the relay; above it datagrams are dropped, as a full router would. */
  sendQueueBytes: 4_194_304,
  /** The send buffer that the system is asked for; on Linux it gives at most twice net.core.wmem_max, 416 KiB as it comes. */
  sendBufferBytes: 4_194_304,
  /** What a small datagram takes of it on Linux, and what part of it answers to addresses that may not exist may take: once it is full, the system tells when half is free. */
  bufferedDatagramBytes: 768,
  strangersShare: 3 / 8,
  /** Such answers at a time, where the size of the buffer is not known, and at most. */
  pendingStrangers: 96,
  maxPendingStrangers: 1_024,
  /** How long the system may hold one: three seconds of address resolution (RFC 4861 10), and some more. */
  resolutionMs: 3_500,
  /** An address that never proves that it hears us is answered this often at once (behind one router there are many, and the first one proves it for all) and then ever more rarely. */
  strangerFreeAnswers: 4,
  strangerBackoffMs: 1_000,
  strangerBackoffMaxMs: 8_000,
  /** Answers a second to those outside the room, for one source that exists; twice as many at once. Each is 10 µs of work. */
  strangerAnswersPerSecond: 1_000,
  /** Addresses, and sources, of which this is remembered, and for how long. */
  strangerCount: 16_384,
  strangerMemoryMs: 300_000,
  /** How long a cookie's time slot is; a cookie is good for its slot and the next. */
  cookieMs: 30_000,
  /** Refused joins a second that the log is told of; whoever keeps trying must not fill it. */
  refusalsPerSecond: 10,
  /** How long one listens for offers of relays on the local network, how often one asks meanwhile, and how far apart. */
  discoveryMs: 1_000,
  discoveryAttempts: 3,
  discoveryGapMs: 100,
  /** At least this long the network emulator holds a reordered datagram back, so that the next ones pass it. */
  emulatedReorderMs: 30,
  /** Whoever records the traffic can try phrases at home, so very short ones protect nothing; in characters. */
  phraseLength: 8,
} as const
