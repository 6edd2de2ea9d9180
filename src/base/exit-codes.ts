/** Exit codes of the `netlab` command. 64–78 are those of BSD `sysexits.h`; 128 + n is the shell's "ended by signal n". */
export const ExitCode = {
  /** Done; a server stopped on request; our reader closed the pipe. */
  ok: 0,
  /** A negative answer: nothing open, login refused. */
  negative: 1,
  /** The command line was wrong (EX_USAGE). */
  usage: 64,
  /** Could not connect, bind or resolve (EX_UNAVAILABLE). */
  unavailable: 69,
  /** A bug of ours (EX_SOFTWARE). */
  software: 70,
  /** Log, users file or database unreadable or unwritable (EX_IOERR). */
  io: 74,
  /** The server spoke nonsense (EX_PROTOCOL). */
  protocol: 76,
  /** SIGINT for client tools; the second SIGINT for a server. */
  interrupted: 130,
  /** SIGTERM for client tools; the second SIGTERM for a server. */
  terminated: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
