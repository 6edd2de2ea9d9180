/** The bounds of a check and its times, each with its unit and its reason. */
export const checkLimits = {
  /** How long a program may take until it listens; a Java machine needs more. */
  startMs: 10_000,
  startJavaMs: 25_000,
  /** A program that fails at its first step has ended by then. */
  aliveMs: 300,
  /** Silence after which a program is taken to wait for input, where the system doesn't tell. */
  promptQuietMs: 700,
  /** How often a program that starts is looked at. */
  lookMs: 25,
  /** A program that reads has read an answer by then. */
  readAnswerMs: 200,
  /** Questions that are answered before a program is given up: real ones ask at most five. */
  answers: 12,
  /** A greeting comes within this time of the connection, or is not one. */
  greetingMs: 500,
  /** The first message of all may be slow: a program's first `recv` loads what it needs. */
  firstAnswerMs: 1_500,
  /** Time for an answer: 20 × what an answer took, within these bounds. */
  answerMinMs: 600,
  answerMaxMs: 3_000,
  answerTimes: 20,
  /** Nothing more comes after such a pause: 5 × what an answer took, within these bounds. */
  quietMinMs: 150,
  quietMaxMs: 600,
  quietTimes: 5,
  /** More runnable processes a core than this, and every time is doubled. */
  busyLoad: 2,
  /** Our own timer came later than this: what was seen meanwhile proves nothing. */
  lateMs: 250,
  lateLookMs: 10,
  /** From SIGTERM to SIGKILL. */
  termMs: 500,
  /** What is kept of a program's output; the rest is counted (a real one prints 10 MB/s). */
  outputBytes: 1_048_576,
  /** Files and sockets that each of its processes may have open. */
  descriptors: 1_024,
  fileBytes: 64 * 1_048_576,
  cpuSeconds: 60,
  /** The whole check of one program. */
  wholeMs: 120_000,
  /** What a folder to be copied may hold: sources, not a disk image. */
  folderBytes: 200 * 1_048_576,
  /** Around the first difference that a person is shown. */
  shownBytes: 20,
  /** Last lines of a program's output in a report. */
  shownLines: 5,
} as const
