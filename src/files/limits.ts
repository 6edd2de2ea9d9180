/** Bounds of files that several processes use, each with its unit and its reason. */
export const fileLimits = {
  /** A temporary file beside the one it was to replace, not written to for so long, was left by a process that died. */
  abandonedMs: 600_000,
  /** How often a small change of a file looks whether another process is done with its own, which takes milliseconds… */
  lockPollMs: 2,
  /** …and how many times: for some 10 s. */
  lockPolls: 5_000,
  /** The most that is read of the record of a lock's owner: a pid and the longest name of a host. */
  ownerBytes: 512,
  /** How long git may take to note something about one file. */
  gitMs: 5_000,
  /** Links that lead to one another and at last nowhere: as many as Linux follows. */
  links: 40,
} as const
