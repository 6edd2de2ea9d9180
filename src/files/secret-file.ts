import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs'
import * as system from 'node:process'
import { errorCode, StorageError } from '../base/errors.ts'
import { handedOver } from './handed-over.ts'
import { wholeText } from './overwrite-file.ts'
import { behindLinks } from './replace-file.ts'

/*
 * Files that hold secrets, or say who is who: users, sessions, keys, passwords, known servers. Whoever can change one is let in
 * everywhere, so one that another user owns or everybody may write is refused, and a link that another user laid isn't followed. What is
 * no regular file is refused before it is opened: a FIFO waits for its other end, and a device may do anything.
 */

/**
 * The text of such a file, whole also where writing it broke off. @param orFifo waits for the writer of a FIFO, where a person may name one
 * @throws {StorageError} UNTRUSTED or EINVAL, with what to do; otherwise the system's error, ENOENT and EISDIR among them.
 */
export function readSecretFile(path: string, orFifo = false): string {
  // What the shell handed over was made by whoever started us.
  if (handedOver(path) !== undefined) return readFileSync(path, 'utf8')
  const there = secretFileAt(path, orFifo)
  if (there === undefined) throw Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' })
  if (there.isFIFO()) return readFileSync(path, 'utf8')
  // Windows has neither flag.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  const file = openSync(behindLinks(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    // Once more, for what was put into its place meanwhile.
    refuseUntrusted(path, fstatSync(file))
    return wholeText(readFileSync(file, 'utf8'))
  } finally {
    closeSync(file)
  }
}

/**
 * Looks at such a file without opening it; undefined when there is none. Links are followed.
 * @throws {StorageError} as `readSecretFile`, or the system's error
 */
export function secretFileAt(path: string, orFifo = false): Stats | undefined {
  const link = lstatSync(path, { throwIfNoEntry: false })
  if (link === undefined) return undefined
  if (link.isSymbolicLink() && !isTrusted(link)) {
    throw untrusted(`${path} is a link that another user made`, 'Remove it.')
  }
  const there = statSync(path, { throwIfNoEntry: false })
  if (there === undefined || (orFifo && there.isFIFO())) return there
  refuseUntrusted(path, there)
  return there
}

/**
 * Makes the database file at `path` where there is none, for its owner alone, and looks at it and at the journals that SQLite would
 * read with it. @throws as `secretFileAt`
 */
export function prepareSecretDatabase(path: string): void {
  // SQLite gives its journal files the mode of the database, and follows whatever link has their name.
  for (const suffix of ['-wal', '-shm', '-journal']) secretFileAt(`${path}${suffix}`)
  if (secretFileAt(path) !== undefined) return
  try {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants
    closeSync(openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600))
  } catch (error) {
    // Another thread's, made just now; or a link that leads nowhere, where SQLite would make a file.
    if (errorCode(error) !== 'EEXIST' || secretFileAt(path) === undefined) throw error
  }
}

/** @throws {StorageError}, or an error with the system's code EISDIR */
function refuseUntrusted(path: string, there: Stats): void {
  if (there.isDirectory()) throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' })
  if (!there.isFile()) {
    throw new StorageError('EINVAL', `${path} is ${kindOf(there)}, not a regular file`, {
      hint: 'Name a regular file, or remove it.',
    })
  }
  if (!isTrusted(there)) {
    throw untrusted(
      `${path} belongs to another user (uid ${there.uid}), who can change it`,
      'Make sure that its content is right, and take it over with chown.',
    )
  }
  if (ownUid() !== undefined && (there.mode & 0o002) !== 0) {
    throw untrusted(
      `${path} can be written by everyone`,
      'Make sure that its content is right, and take that right away with chmod o-w.',
    )
  }
}

/** Whether it belongs to this process's user, or to root, who can read and change everything anyway. */
export function isTrusted({ uid }: { readonly uid: number | bigint }): boolean {
  const own = ownUid()
  return own === undefined || Number(uid) === 0 || Number(uid) === own
}

/** Undefined on Windows. */
function ownUid(): number | undefined {
  return system.geteuid?.()
}

function untrusted(sentence: string, hint: string): StorageError {
  return new StorageError('UNTRUSTED', sentence, { hint })
}

function kindOf(there: Stats): string {
  if (there.isFIFO()) return 'a FIFO'
  return there.isSocket() ? 'a socket' : 'a device'
}
