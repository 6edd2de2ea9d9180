/** The bounds of the chat over UDP, each with its unit and its reason, as in `base/limits.ts`. */
export const datagramLimits = {
  /** One datagram. IPv6 promises 1,280 bytes on every path (RFC 8200 5); less its headers and a tunnel's. */
  bytes: 1_200,
  /** One message, and the part of it that one datagram carries. */
  textBytes: 4_096,
  partBytes: 1_024,
  /** Parts of one member on their way or waiting their turn at the relay; 16 KiB a member. */
  windowParts: 16,
  /** Messages a member has typed and the relay has not yet taken; a pipe waits, a person is told. */
  outboxMessages: 256,
  /** How often one part is sent before its author is told. */
  tries: 5,
  /** What the relay keeps to send again; a member further behind has missed lines and is told how many. */
  logEntries: 8_192,
  logBytes: 4_194_304,
  /** Lines that came early and wait at the member for those before them. */
  earlyEntries: 2_048,
  /** Lines a newcomer is shown. */
  historyCount: 20,
  /** A silent member says it is there this often, and is given up after three of them went missing. */
  heartbeatMs: 15_000,
  silenceMs: 50_000,
  /** Lines of a tick travel together; a tenth of what a person notices. */
  tickMs: 5,
  /** Members of a room, when nothing else was asked, and at most: each line costs one send a member. */
  members: 1_000,
  maxMembers: 10_000,
  /** Of these members, from one address other than this machine's own: a school behind one router, not a whole room. */
  membersPerAddress: 100,
  /** Parts a second that one member's words are let through at, and how many at once. */
  partsPerSecond: 10,
  partsBurst: 20,
  /** Datagrams a second that are looked at for one member; acknowledgements and requests included. */
  datagramsPerSecond: 200,
  /** Datagrams sent in one turn of the event loop, at about 5 µs each. */
  slice: 1_000,
  /** Bytes the system has not yet taken from the relay; above it datagrams are dropped, as a full router would. */
  sendQueueBytes: 4_194_304,
  /** How long a cookie's time slot is; a cookie is good for its slot and the next. */
  cookieMs: 30_000,
  /** Refused joins a second that the log is told of; whoever keeps knocking must not fill it. */
  refusalsPerSecond: 10,
  /** How long one listens for relays on the local network. */
  findMs: 1_000,
} as const
