/** Bounds of the process as a whole, each with its unit and its reason. */
export const mainLimits = {
  /** Three semispaces of 8 MiB. Left alone, V8 takes a hundred megabytes more while connections come and go, and is no faster. */
  youngGenerationMiB: 24,
  /** With fewer descriptors than this, a server counts them before it starts a thread. */
  countedDescriptors: 256,
  /** Where the system doesn't tell a limit, more descriptors than anybody needs. */
  unlimitedDescriptors: 1_000_000,
  /** npm and the terminal each pass one Ctrl-C on; two signals this close together are one wish. */
  sameSignalMs: 250,
  /** A shell or a terminal that sent SIGHUP just before it went is gone by then. */
  hangUpMs: 1_000,
  /** A healthy systemd answers at once. */
  supervisorMs: 5_000,
  /** Lines longer than this are hard to read, however wide the terminal is. */
  helpColumns: 100,
} as const
