import { chmodSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { withFileLock } from '../../files/file-lock.ts'
import { makeFolder } from '../../files/make-folder.ts'
import { replaceFileSync } from '../../files/replace-file.ts'
import { readSecretFile } from '../../files/secret-file.ts'
import { formatEndpoint } from '../../net/address.ts'
import { formatIp, parseIp } from '../../net/ip.ts'
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

/**
 * `HOST:PORT`, by which a server is remembered. Names of hosts know no case (RFC 4343), and a dot at their end says only that
 * they are whole; an address has many spellings and one meaning. `localhost`, `127.0.0.1` and `::1` are this machine (RFC 6761), and
 * its port is one server's: all are written as 127.0.0.1. Any other address of this machine is a host of its own.
 */
export function serverKey(host: string, port: number): string {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || name === '::1') return formatEndpoint('127.0.0.1', port)
  const address = spelledOut(name)
  return address === undefined || address === name ? formatEndpoint(name, port) : serverKey(address, port)
}

/** The one spelling of an address, with its zone; undefined for a name. */
function spelledOut(host: string): string | undefined {
  const ip = parseIp(host)
  return ip && formatIp(ip.family, ip.value) + (ip.zone === undefined ? '' : `%${ip.zone}`)
}

/** The same of what was remembered earlier; undefined for what names no server. */
function serverKeyOf(text: string): string | undefined {
  const [, address, name, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = address ?? name
  return host === undefined ? undefined : serverKey(host, Number(port))
}

/** A line of `known_hosts`: a server and what it is known by; undefined for an empty line or a comment, and without `server` when it can't be read. */
interface KnownLine {
  readonly server?: string
  readonly fingerprint?: string
}

function parseKnown(line: string): KnownLine | undefined {
  const words = line.trim()
  if (words === '' || words.startsWith('#')) return undefined
  const [name = '', fingerprint = ''] = words.split(/\s+/)
  const server = serverKeyOf(name)
  const isFingerprint = /^SHA256:[A-Za-z0-9+/]{43}$|^[0-9A-F]{2}(:[0-9A-F]{2})+$/i.test(fingerprint)
  return server === undefined || !isFingerprint ? {} : { server, fingerprint }
}

/**
 * What servers showed when we first met: a line `HOST:PORT FINGERPRINT` each, in a file that a person may edit. A fingerprint is
 * that of the key, `SHA256:` and base64; earlier versions kept that of the certificate, in pairs of hexadecimal digits.
 */
export class KnownHosts {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /**
   * What this server is known by; nothing when it isn't known.
   * @throws {StorageError} also where it may be known, on a line that can't be read.
   */
  find(host: string, port: number): readonly string[] {
    const name = serverKey(host, port)
    const lines = readState(this.#path).split('\n').map(parseKnown)
    const found = lines.flatMap((line) =>
      line?.server === name && line.fingerprint !== undefined ? [line.fingerprint] : [],
    )
    const damaged = lines.findIndex((line) => line !== undefined && line.server === undefined)
    if (found.length > 0 || damaged === -1) return found
    throw new StorageError('DAMAGED', `line ${damaged + 1} of ${this.#path} cannot be read, and may be about ${name}`, {
      hint: 'mend the line: HOST:PORT, a space, and the fingerprint that the server prints at its start',
    })
  }

  /** Remembers the server by this fingerprint, and forgets the one it had. @throws {StorageError} */
  keep(host: string, port: number, fingerprint: string): void {
    const name = serverKey(host, port)
    updateState(this.#path, (text) => {
      const others = text.split('\n').filter((line) => line !== '' && parseKnown(line)?.server !== name)
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
  /** Fingerprint of the server's key; without it the session was opened without TLS, or by an earlier version. */
  readonly key?: string
}

/** Session tokens between one `connect` and the next, the latest first: at most one for each server and user. */
export class SessionFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /**
   * The session of this user, or of whoever logged in there last, if it may go to that server.
   * @throws {StorageError}
   */
  find(server: string, user?: string, mayGo: (session: KeptSession) => boolean = () => true): KeptSession | undefined {
    return this.#parse(readState(this.#path)).find(
      (kept) => isAt(kept, server) && (user === undefined || sameName(kept.user, user)) && mayGo(kept),
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
      const others = this.#parse(text).filter((kept) => !isAt(kept, server) || !sameName(kept.user, user))
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

function isAt(kept: KeptSession, server: string): boolean {
  return kept.server === server || serverKeyOf(kept.server) === server
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
  const { server, user, token, key = '' } = value as Readonly<Record<string, unknown>>
  return [server, user, token, key].every((field) => typeof field === 'string')
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
