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
