import { ExitCode } from './exit-codes.ts'

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
