/**
 * Every bound with its unit and its reason. Whatever a peer can make grow has one. Those of the chat over UDP, which nothing
 * else shares, are in `datagram-chat/limits.ts`.
 * Names end in their unit: Bytes, Ms, Count.
 */
export const limits = {
  /** One text line, terminator included. A person types less, and a line is held in memory until it is whole. */
  lineBytes: 65_536,
  /** How long open conversations may go on once the server was told to stop. */
  drainMs: 5_000,
  /** Ports tried after the one that was asked for. */
  portFallbackCount: 100,
  /** Connecting, name resolution included. */
  connectMs: 10_000,
  /** npm and the terminal each pass one Ctrl-C on; two signals this close together are one wish. */
  sameSignalMs: 250,
  /** One chat message. RFC 2812 allows 512; a person pastes a paragraph, not a file. */
  chatTextBytes: 4_096,
  /** A topic, an away text, the reason for a kick: one line on a terminal. */
  chatNoteBytes: 256,
  /** A client's own id of a message: a UUID and some more. */
  chatCidChars: 64,
  /** `--history-limit`: what a room keeps on disk when nobody says otherwise; 100,000 messages are about 15 MB. */
  chatHistoryCount: 100_000,
  chatHistoryMs: 90 * 86_400_000,
  /** Rooms that exist at a time; each keeps its recent messages in memory (64 × 4 KiB at worst). */
  chatRooms: 512,
  /** Rooms that one connection is in. */
  chatRoomsPerConnection: 32,
  /** Connections of one person, so that flood control per connection means something. */
  chatConnectionsPerMember: 16,
  /** People banned from or muted in one room. */
  chatMarksPerRoom: 1_024,
  /** Latest messages of a room kept in memory, so that joins and short absences never ask the disk. */
  chatRecentCount: 64,
  /** Shown on joining; the number. */
  chatBacklogCount: 20,
  /** One page of history: by count, and by bytes so that its frame stays far below `frameBytes`. */
  chatPageCount: 200,
  chatPageBytes: 262_144,
  /** A member's latest own message ids, kept to recognise a resend; no client has more unanswered. */
  chatDedupeCount: 256,
  /** Members whose message ids are kept; the least recently heard goes first. */
  chatDedupeMembers: 4_096,
  /** Messages read back at the start to fill that memory again. */
  chatDedupeRows: 65_536,
  /** Queued for one chat connection; a reader that is this far behind is cut off. A full page of history fits twice. */
  chatSendQueueBytes: 1_048_576,
  /** One slice of writing to a big room; then other work gets its turn. */
  chatSliceMs: 8,
  /** What a thread's members ask goes to the room's owner this often at most: far below what a person notices. */
  chatGatherMs: 1,
  /** Comings and goings of a room are told together after this time; a dropped line that is back by then is no news. */
  chatPresenceMs: 500,
  /** Names in one such message; the others are counted. */
  chatPresenceNames: 20,
  /** Names in the answer to /who; the others are counted. */
  chatWhoNames: 1_000,
  /** Messages that wait for the disk; beyond it they go out unstored, so that a stuck disk cannot fill the memory. */
  chatUnstoredCount: 65_536,
  /** Ids set aside ahead of use, so that a kill never hands one out twice. */
  chatIdBlock: 4_096,
  /** How often messages that became too old are looked for. */
  chatPruneMs: 600_000,
  /** How long one writer of netlab.db waits for another one in the same file. */
  databaseBusyMs: 5_000,
  /** How often being in the chat uses the session: far more often than sessions end, far less than would cost anything. */
  chatSessionUseMs: 600_000,
  /** A client that lost its server tries again after half to all of this, twice as long each time… */
  reconnectMs: 1_000,
  /** …and never longer than this. */
  reconnectMaxMs: 30_000,
  /** Flood control: messages in a burst, and per second afterwards. */
  chatBurstCount: 20,
  chatRatePerSecond: 10,
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
