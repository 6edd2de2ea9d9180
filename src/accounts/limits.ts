/** Bounds of the accounts and what tunes them, each with its unit and its reason. */
export const accountLimits = {
  /** From the first word to being logged in; someone who fetches a password from a manager needs less. */
  loginMs: 60_000,
  /** Logins that fail before a connection is closed; more is guessing. */
  loginAttempts: 10,
  /** How often someone who waits for an answer is told so; it also shows whether they are still there. */
  waitNoticeMs: 2_000,

  /** A password in UTF-8: NIST SP 800-63B's least length, and far more than a passphrase needs. */
  passwordMinBytes: 8,
  passwordMaxBytes: 1024,
  /** argon2id: OWASP Password Storage Cheat Sheet, the least that resists guessing on graphics cards. */
  hashParameters: { memoryKib: 19_456, passes: 2, lanes: 1 },
  /** The most that is taken from a users file, where a person may have put any hash: a login must end. */
  readHashParameters: { maxMemoryKib: 4_194_304, maxPasses: 64, maxLanes: 64 },
  /** What such a hash takes on one core of the machine it was measured on: the estimate until there are own measurements. */
  hashMs: 33,
  /** The weight of one more measurement in that estimate: a few slow hashes don't drive clients away, a slow machine does. */
  hashMsGain: 1 / 16,
  /** The least that a client is told to wait where there is no room. */
  busyRetryMs: 1_000,
  /** Passwords that wait to be hashed; at 33 ms each the last one waits 8 s on one core, about what a person bears. */
  waitingHashes: 256,
  /** Of the memory that the system gives the process, what hashes that are computed at a time may take; one may in any case. */
  hashMemoryPart: 1 / 8,
  /** From this size on glibc gives memory back to the system: a hash takes far more, everything that lives long takes less. */
  hashMemoryBytes: 4 * 1024 * 1024,

  /** How failures at an account turn into waiting. They may come from anywhere, so the wait must be bearable for its owner. */
  accountThrottle: { free: 3, firstMs: 500, maxMs: 8_000, forgetMs: 60_000 },
  /** The same of a source: one guesser, or a household behind one address. */
  sourceThrottle: { free: 5, firstMs: 1_000, maxMs: 60_000, forgetMs: 60_000 },
  /** Accounts and sources whose failures are remembered; about 100 bytes each, the one silent longest is forgotten first. */
  throttleEntries: 65_536,

  /** Hosts and users kept, each: a users file of some 20 MB, still rewritten in well under a second. */
  accounts: 100_000,
  /** A users file of at most this size is also read by the preflight: a few milliseconds, while threads start; 6,000 users. */
  usersReadTwiceBytes: 1_048_576,
  /** Records of a users file in one portion of text: small enough that making it holds nobody up. */
  usersPortionCount: 250,

  /** Sessions of one user; the one silent longest makes room. */
  sessionsPerUser: 32,
  /** A session ends when not used for this long, and after this long in any case. */
  sessionIdleMs: 86_400_000,
  sessionMaxMs: 2_592_000_000,
  /** How exactly the last use is kept on disk: a thousand resumes of a session cost one write. */
  sessionUsePrecisionMs: 60_000,
  /** How often uses are written and expired sessions dropped, and how many at once, so that no sweep holds anyone up. */
  sessionSweepMs: 30_000,
  sessionSweepCount: 2_000,
  /** Longest session token that is looked at; ours have 43 characters. */
  tokenCodeUnits: 128,
} as const
