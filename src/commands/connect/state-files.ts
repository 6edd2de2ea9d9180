import { chmodSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { withFileLock } from '../../files/file-lock.ts'
import { makeFolder } from '../../files/make-folder.ts'
import { replaceFileSync } from '../../files/replace-file.ts'
import { readSecretFile } from '../../files/secret-file.ts'
import { formatEndpoint } from '../../net/address.ts'
import { nameKey } from '../../text/names.ts'

/**
 * Where a file lies that outlasts us: in `$XDG_STATE_HOME/netlab`, by default `~/.local/state/netlab` (XDG Base Directory
 * Specification, which has relative paths ignored). Undefined where no folder of the user's own is known.
 */
export function statePath(environment: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const { XDG_STATE_HOME: state = '', HOME, USERPROFILE } = environment
  if (isAbsolute(state)) return join(state, 'netlab', name)
  const home = HOME || USERPROFILE || ''
  return isAbsolute(home) ? join(home, '.local', 'state', 'netlab', name) : undefined
}

/** `HOST:PORT`, by which a server is remembered. Names of hosts know no case (RFC 4343). */
export function serverKey(host: string, port: number): string {
  return formatEndpoint(host.toLowerCase(), port)
}

/**
 * The certificates that servers showed when we first met: a line `HOST:PORT FINGERPRINT` each, in a file that a person may
 * edit. Lines that say something else stay as they are.
 */
export class KnownHosts {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** The SHA-256 fingerprint this server had, if it is known. @throws {StorageError} */
  find(host: string, port: number): string | undefined {
    const name = serverKey(host, port)
    for (const line of readState(this.#path).split('\n')) {
      const [server, fingerprint] = line.trim().split(/\s+/)
      if (server === name) return fingerprint
    }
    return undefined
  }

  /** Remembers the server by this certificate, and forgets the one it had. @throws {StorageError} */
  keep(host: string, port: number, fingerprint: string): void {
    const name = serverKey(host, port)
    updateState(this.#path, (text) => {
      const others = text.split('\n').filter((line) => line !== '' && line.trim().split(/\s+/)[0] !== name)
      return [...others, `${name} ${fingerprint}`, ''].join('\n')
    })
  }
}

/** The key to a session at a server. */
export interface KeptSession {
  /** `HOST:PORT` */
  readonly server: string
  readonly user: string
  readonly token: string
}

/** Session tokens between one `connect` and the next, the latest first: at most one for each server and user. */
export class SessionFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** The session of this user, or of whoever logged in there last. @throws {StorageError} */
  find(server: string, user?: string): KeptSession | undefined {
    return this.#parse(readState(this.#path)).find(
      (kept) => kept.server === server && (user === undefined || sameName(kept.user, user)),
    )
  }

  /** Keeps a token in the place of the one before. @throws {StorageError} */
  keep(session: KeptSession): void {
    this.#update((others) => [session, ...others], session.server, session.user)
  }

  /** @throws {StorageError} */
  forget(server: string, user: string): void {
    this.#update((others) => others, server, user)
  }

  /** @param change makes all sessions of those that are not of this user at this server */
  #update(change: (others: readonly KeptSession[]) => readonly KeptSession[], server: string, user: string): void {
    updateState(this.#path, (text) => {
      const others = this.#parse(text).filter((kept) => kept.server !== server || !sameName(kept.user, user))
      return `${JSON.stringify({ version: 1, sessions: change(others) }, undefined, 2)}\n`
    })
  }

  #parse(text: string): readonly KeptSession[] {
    if (text === '') return []
    const sessions = parse(text)
    if (sessions !== undefined) return sessions
    throw new StorageError('DAMAGED', `${this.#path} is damaged`, {
      hint: 'remove it and log in again, or do without it with --no-session',
    })
  }
}

/** As servers compare names. */
function sameName(one: string, other: string): boolean {
  return nameKey(one) === nameKey(other)
}

function parse(text: string): readonly KeptSession[] | undefined {
  try {
    const { sessions } = JSON.parse(text)
    return Array.isArray(sessions) && sessions.every(isKept) ? sessions : undefined
  } catch {
    return undefined
  }
}

function isKept(value: unknown): value is KeptSession {
  if (typeof value !== 'object' || value === null) return false
  const { server, user, token } = value as Readonly<Record<string, unknown>>
  return [server, user, token].every((field) => typeof field === 'string')
}

/** The file's text; '' when there is none. @throws {StorageError} */
function readState(path: string): string {
  try {
    return readSecretFile(path)
  } catch (error) {
    if (error instanceof StorageError) throw error
    if (errorCode(error) === 'ENOENT') return ''
    throw new StorageError(errorCode(error), `cannot read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Replaces the file's text, for its owner's eyes only: 0600, in a folder of 0700. `change` gets the text, '' when there is
 * none, and returns the new one; several netlabs do so one after the other, so that each finds what the others left.
 * @throws {StorageError}, and then the old file is still there; what `change` throws.
 */
function updateState(path: string, change: (text: string) => string): void {
  try {
    makeFolder(dirname(path))
    withFileLock(path, () => replaceFileSync(path, change(readState(path)), 0o600))
    // A folder that was there before may be open to others.
    chmodSync(dirname(path), 0o700)
  } catch (error) {
    if (error instanceof StorageError) throw error
    throw new StorageError(errorCode(error), `cannot write ${path}: ${reasonOf(error)}`, {
      hint: 'XDG_STATE_HOME may name another folder for what netlab remembers',
      cause: error,
    })
  }
}
