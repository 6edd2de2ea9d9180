/** Bounds of the accounts and what tunes them, each with its unit and its reason. */
export const accountLimits = {
  /** From the first word to being logged in; someone who fetches a password from a manager needs less. */
  loginMs: 60_000,
  /** Logins that fail before a connection is closed; more is guessing. */
  loginAttempts: 10,
  /** How often someone who waits for an answer is told so; it also shows whether they are still there. */
  waitNoticeMs: 2_000,

  /** A new password's Unicode characters: the least length of NIST SP 800-63B, which counts each code point as one. */
  passwordMinCharacters: 8,
  /** What an attempt has at least, in UTF-8: passwords that were chosen when bytes were counted go on. */
  passwordMinBytes: 8,
  /** In UTF-8: far more than a passphrase needs. */
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

  // How fast passwords can be tried. Only what fails counts; docs/security.md states the rule and what it comes to.
  /** Guesses at one account from everywhere: half a guess a second finds no password that the rules let pass. */
  accountGuesses: { perMinute: 30, burst: 4 },
  /** Guesses of one source at one account, at most ten in any minute: who mistypes three times waits for nothing. */
  sourceGuessesAtAccount: { perMinute: 6, burst: 4 },
  /** Guesses of one source at all accounts: at most 26 in any minute, and a class in which five mistype at once goes on. */
  sourceGuesses: { perMinute: 20, burst: 6 },
  /** Names that don't exist, tried by one source; where everybody may register, each costs no more than a hash. */
  sourceUnknownNames: { perMinute: 120, burst: 120 },
  /** Registrations of one source: two classes at once, and no more than 70 accounts in the first seconds. */
  sourceRegistrations: { perMinute: 30, burst: 70 },
  /** Wrong registration codes of one source. */
  sourceCodes: { perMinute: 30, burst: 20 },
  /** A registration code: short enough to be said in a class, too long to be found at the rate above. */
  registrationCodeMinLength: 8,
  registrationCodeMaxLength: 128,
  /** One failure is a typing error, and its source's budget gets it back, if the right password follows within this time. */
  typingErrorMs: 20_000,
  /** Faster than this no person types a password again: it is the next try of a machine that has just failed. */
  hastyMs: 250,
  /** Of those who come from one source to one account, who may be a person: one a second, and not a crowd. */
  newcomers: { perMinute: 60, burst: 3 },
  /** Who has waited for longer has not just come: a machine on many connections, mostly. */
  newcomerMs: 60_000,
  /** Who fails twice within this time at one name is served after those who have not. */
  repeatedFailureMs: 60_000,
  /** Attempts that may wait; a connection has one at a time. */
  waitingAttempts: 16_384,
  /** A wait from which on it stands in the log. */
  delayLoggedMs: 1_000,
  /** Budgets of accounts, sources and pairs of both that are remembered; the one silent longest goes first, and after a minute says nothing. */
  throttleEntries: 65_536,
  /** Sources remembered for an account because its owner logged in there: home, school, a phone, in both IP versions. */
  knownSources: 8,

  /** Hosts and users kept, each: a users file of some 20 MB, still rewritten in well under a second. */
  accounts: 100_000,
  /** A users file of at most this size is also read by the preflight: a few milliseconds, while threads start; 6,000 users. */
  usersReadTwiceBytes: 1_048_576,
  /** Records of a users file in one portion of text: small enough that making it holds nobody up. */
  usersPortionCount: 250,

  /** Accounts and networks that are banned at a time: a class has a handful, and a list of networks fits. */
  bans: 10_000,
  /** A one-time password in groups of four characters: 59 bits, and short enough to be read to somebody. */
  oneTimeGroups: 3,
  /** Names that a mistyped one is compared with. */
  suggestedNames: 1_000,
  /** Rows of the operator's table of users; more would be no table for a person. */
  usersShown: 1_000,

  /** Sessions of one user; the one silent longest makes room. */
  sessionsPerUser: 32,
  /** A session ends when not used for this long, and after this long in any case. */
  sessionIdleMs: 86_400_000,
  sessionMaxMs: 2_592_000_000,
  /** How exactly the last use is kept on disk: a thousand resumes of a session cost one write. */
  sessionUsePrecisionMs: 60_000,
  /** A wall clock that has gone with the monotonic one, but for adjustments of less than a minute, for an hour is believed. */
  clockTrustMs: 3_600_000,
  clockJumpMs: 60_000,
  /** How often uses are written and expired sessions dropped, and how many at once, so that no sweep holds anyone up. */
  sessionSweepMs: 30_000,
  sessionSweepCount: 2_000,
  /** Longest session token that is looked at; ours have 43 characters. */
  tokenCodeUnits: 128,
} as const
