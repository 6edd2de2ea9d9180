/** Exit codes of the `netlab` command. 64–78 are those of BSD `sysexits.h`; 128 + n is the shell's "ended by signal n". */
export const ExitCode = {
  /** Done; a server stopped on request; our reader closed the pipe. */
  ok: 0,
  /** A negative answer: nothing open, login refused. */
  negative: 1,
  /** `check`: only what is not at the core of the task failed. */
  extraFailed: 2,
  /** The command line was wrong (EX_USAGE). */
  usage: 64,
  /** `check`: the program can't be built or found (EX_DATAERR). */
  data: 65,
  /** Could not connect, bind or resolve (EX_UNAVAILABLE). */
  unavailable: 69,
  /** A bug of ours (EX_SOFTWARE). */
  software: 70,
  /** Log, users file or database unreadable or unwritable (EX_IOERR). */
  io: 74,
  /** `check`: it could not be told; another try may (EX_TEMPFAIL). */
  unsure: 75,
  /** The server spoke nonsense (EX_PROTOCOL). */
  protocol: 76,
  /** The time for the whole was over, as timeout(1) has it. */
  timeOver: 124,
  /** SIGINT for client tools; the second SIGINT for a server. */
  interrupted: 130,
  /** SIGTERM for client tools; the second SIGTERM for a server. */
  terminated: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface ErrorDetails {
  /** A next step for the person who reads the message. */
  readonly hint?: string
  readonly cause?: unknown
}

/**
 * An error that a person can act on: `message` is one sentence without a trailing full stop, `hint` the next step.
 * Anything thrown that is not a NetlabError is a bug of ours.
 */
export class NetlabError extends Error {
  readonly code: string
  readonly exit: ExitCode
  readonly hint: string | undefined

  constructor(code: string, exit: ExitCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.exit = exit
    this.hint = details.hint
  }
}

/** The command line, an environment variable or an answer to a prompt was wrong. */
export class UsageError extends NetlabError {
  constructor(message: string, details?: ErrorDetails) {
    super('USAGE', ExitCode.usage, message, details)
  }
}

/** The network said no: connect, bind or resolve failed. `code` is the system's (ECONNREFUSED, EADDRINUSE, ENOTFOUND …). */
export class NetworkError extends NetlabError {
  constructor(code: string, message: string, details?: ErrorDetails) {
    super(code, ExitCode.unavailable, message, details)
  }
}

/** A file of ours (log, users, database) can't be read or written. */
export class StorageError extends NetlabError {
  constructor(code: string, message: string, details?: ErrorDetails) {
    super(code, ExitCode.io, message, details)
  }
}

/** The peer broke the protocol. It costs that one connection, never the server. */
export class ProtocolError extends NetlabError {
  constructor(code: string, message: string, details?: ErrorDetails) {
    super(code, ExitCode.protocol, message, details)
  }
}

/** The `code` of a system error (`ECONNRESET`), or 'UNKNOWN'. */
export function errorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code
  return 'UNKNOWN'
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  EEXIST: 'its folder is a file',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'its folder is a file',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the device reports an error',
  EMFILE: 'the process has no file descriptor left',
  EINVAL: 'it is not a regular file',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links lead round in a circle',
}

/** Why a file operation failed, in words; the code where none are known. */
export function reasonOf(error: unknown): string {
  const code = errorCode(error)
  return reasons[code] ?? code
}

/** An error as it crosses a thread boundary: structured cloning keeps texts, but neither classes nor their fields. */
export interface SerializedError {
  /** The class: one of this file's, or anything else, which becomes a plain Error. */
  readonly name: string
  readonly message: string
  readonly code: string
  readonly exit: ExitCode | undefined
  readonly hint: string | undefined
  /** Only of what is not a NetlabError: a bug is told with the place where it was made. */
  readonly stack: string | undefined
}

export function serializeError(error: unknown): SerializedError {
  const message = errorMessage(error)
  const code = errorCode(error)
  if (error instanceof NetlabError) {
    return { name: error.name, message, code, exit: error.exit, hint: error.hint, stack: undefined }
  }
  const stack = error instanceof Error ? error.stack : undefined
  return { name: 'Error', message, code, exit: undefined, hint: undefined, stack }
}

/** The error that `serializeError` was given, without its cause. */
export function restoreError({ name, message, code, exit, hint, stack }: SerializedError): Error {
  const details = hint === undefined ? {} : { hint }
  switch (name) {
    case 'UsageError':
      return new UsageError(message, details)
    case 'NetworkError':
      return new NetworkError(code, message, details)
    case 'StorageError':
      return new StorageError(code, message, details)
    case 'ProtocolError':
      return new ProtocolError(code, message, details)
  }
  if (exit !== undefined) return new NetlabError(code, exit, message, details)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
