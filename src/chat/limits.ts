/** The bounds of the chat, each with its unit and its reason. Whatever a member can make grow has one. */
export const chatLimits = {
  /** One chat message. RFC 2812 allows 512; a person pastes a paragraph, not a file. */
  textBytes: 4_096,
  /** A topic, an away text, the reason for a kick: one line on a terminal. */
  noteBytes: 256,
  /** A client's own id of a message: a UUID and some more. */
  cidChars: 64,
  /** `--history-limit`: what a room keeps on disk when nobody says otherwise; 100,000 messages are about 15 MB. */
  historyCount: 100_000,
  historyMs: 90 * 86_400_000,
  /** A time by which messages are forgotten has been past for so long: who sets a clock wrong notices within a day. */
  clockTrustMs: 86_400_000,
  /** Runs of a server that a history remembers: years of daily starts. Who comes back from an older one reads again what was said since the start. */
  epochs: 1_000,
  /** Rooms that exist at a time; each keeps its recent messages in memory (64 × 4 KiB at worst). */
  rooms: 512,
  /** Rooms that one connection is in, and one person with all connections: two people were in all 512. */
  roomsPerConnection: 32,
  roomsPerMember: 32,
  /** While half of all rooms are taken a new one is made only for who is in fewer than so many: it then takes 72 people to fill them. */
  roomsPerMemberWhenScarce: 4,
  /** Connections of one person, so that flood control per connection means something. */
  connectionsPerMember: 16,
  /** Wrong codes of `/claim` for one name; then the code is good for nothing, and the next start makes another. */
  claimAttempts: 10,
  /** People banned from or muted in one room; without a room, additional operators. */
  moderationEntriesPerRoom: 1_024,
  /** Latest messages of a room kept in memory, so that joins and short absences never ask the disk. */
  recentCount: 64,
  /** Shown on joining; the number. */
  backlogCount: 20,
  /** One page of history: by count, and by bytes so that its frame stays far below `frameBytes`. */
  pageCount: 200,
  pageBytes: 262_144,
  /** A member's latest own message ids, kept to recognise a resend; no client has more unanswered. */
  duplicateFilterIds: 256,
  /** Members whose message ids are kept; the least recently heard goes first. */
  duplicateFilterMembers: 4_096,
  /** Messages read back at the start to fill that filter again. */
  duplicateFilterRows: 65_536,
  /** Queued for one chat connection; a reader that is this far behind is cut off. A full page of history fits twice. */
  sendQueueBytes: 1_048_576,
  /** One slice of writing to a big room; then other work gets its turn. */
  sliceMs: 8,
  /** What the members of a client thread ask goes to the owner of the state this often at most: far below what a person notices. */
  signalBatchMs: 1,
  /** Comings and goings of a room are told together after this time; a dropped line that is back by then is no news. */
  presenceMs: 500,
  /** Names in one such message; the others are counted. */
  presenceNames: 20,
  /** Names in the answer to /who; the others are counted. */
  whoNames: 1_000,
  /** Messages that wait for the disk; beyond it they go out unstored, so that a stuck disk cannot fill the memory. */
  unstoredCount: 65_536,
  /** Ids set aside ahead of use, so that a kill never hands one out twice. */
  idBlock: 4_096,
  /** Rows that go into the database with one statement: a call into SQLite costs as much as a row. */
  rowsPerInsert: 32,
  /** How often messages that became too old are looked for. */
  pruneMs: 600_000,
  /** How often being in the chat uses the session: far more often than sessions end, far less than would cost anything. */
  sessionUseMs: 600_000,
  /** A client that lost its server tries again after half to all of this, twice as long each time… */
  reconnectMs: 1_000,
  /** …and never longer than this. */
  reconnectMaxMs: 30_000,
  /** Flood control: messages in a burst, and per second afterwards. */
  burstCount: 20,
  /** Without having to wait for so long, the next flood of a connection is another one, and told again. */
  floodNoticeMs: 10_000,
  ratePerSecond: 10,
} as const
