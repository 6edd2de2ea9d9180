import { StorageError } from '../../base/errors.ts'
import { nameKey } from '../../text/names.ts'
import { readState, updateState } from './state-file.ts'

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
