/** Bounds of the log, each with its unit and its reason. Lengths are in UTF-16 units, which are bytes in nearly every line. */
export const logLimits = {
  /** A batch of lines goes to the log thread when it is this long… */
  batchLength: 65_536,
  /** …or this old. */
  batchMs: 10,
  /** The log thread starts so long after its process, which then has done what only a start has to do. */
  startMs: 10,
  /** Lines handed to the log thread and not yet written; above it the thread that logs waits. Threads that serve clients share it. */
  queueLength: 8_388_608,
  /** One wait of a thread whose queue is full, and how many in a row without any progress before its lines are dropped. */
  waitMs: 1_000,
  waitCount: 5,
  /** Console lines on their way to the main thread; above it the log waits for the terminal. */
  consoleLength: 1_048_576,
  /** How long a flush waits for threads to hand over what they hold: many times `batchMs`. */
  flushMs: 500,
  /** How often the log thread looks whether they have. */
  flushPollMs: 1,
  /** How long a process that ends waits for its log to be written. */
  drainMs: 3_000,
  /** One log file before it is rotated, and how many old ones are kept. */
  fileBytes: 67_108_864,
  fileCount: 5,
  /** A line that is half written when a file is opened may be another process's, which is writing it: how often it is looked for its end. */
  tornLooks: 10,
  tornLookMs: 5,
  /** How often room is looked for in a pipe that is full, and how many times in a row: its reader has a second before lines are lost. */
  pipeWaitMs: 10,
  pipeWaits: 100,
  /** What `logs` shows when the operator names no number, and at most: a screen, and what still scrolls past in a second. */
  tailCount: 10,
  maxTailCount: 10_000,
  /** The last lines of the log are read backwards: at most so much, in blocks of a size that the system reads at once… */
  tailBytes: 8_388_608,
  tailBlockBytes: 65_536,
  /** …and so much where only some lines are wanted: the log waits meanwhile, about a third of a second. */
  searchBytes: 67_108_864,
  /** Text on its way to whoever follows the log; what comes above it is counted instead. */
  followLength: 1_048_576,
  /** One text in an event; a peer may have chosen it. */
  textLength: 1_024,
  /** Clients whose latest `received` and `sent` lines are remembered; a power of two. */
  rememberedClients: 512,
} as const
