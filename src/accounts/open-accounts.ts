import type { Clock } from '../base/clock.ts'
import type { EventSink } from '../base/events.ts'
import type { SessionEnd } from './accounts.ts'
import { argon2Hasher } from './argon2-hasher.ts'
import { type Disk, FileUserStore } from './file-user-store.ts'
import { GuessGuard } from './guess-guard.ts'
import { HashQueue } from './hash-queue.ts'
import { LocalAccounts } from './local-accounts.ts'
import type { PasswordHasher } from './password.ts'
import { Revocations } from './revocations.ts'
import { MemorySessionStore } from './session-store.ts'
import { Sessions, type SessionTimes } from './sessions.ts'
import { SqliteSessionStore } from './sqlite-session-store.ts'
import { Verifier } from './verifier.ts'

/** Plain data, so that it can be given to a thread. */
export interface AccountsConfig {
  readonly usersPath: string
  /** Where sessions are kept; without it they end with the server. */
  readonly databasePath?: string
  readonly sessionTimes: SessionTimes
  /** Hashes at a time: max(1, cores − 1) leaves a core to everyone else. */
  readonly hashWidth: number
}

export interface AccountsServices {
  readonly clock: Clock
  readonly record: EventSink
  readonly hasher?: PasswordHasher
  readonly disk?: Disk
}

/** Opens the stores. @throws {StorageError} when one can't be used; then none stays open. */
export async function openAccounts(config: AccountsConfig, services: AccountsServices): Promise<LocalAccounts> {
  const { clock, record, hasher = argon2Hasher() } = services
  const users = new FileUserStore({ path: config.usersPath, ...services })
  try {
    const revocations = new Revocations()
    const sessions = openSessions(config, services, (id, why) => revocations.announce(id, why))
    const queue = new HashQueue(config.hashWidth, clock)
    const guard = new GuessGuard(clock)
    const verifier = new Verifier(users, hasher, queue, guard)
    return new LocalAccounts({ users, sessions, revocations, hasher, queue, guard, verifier, record })
  } catch (error) {
    await users.close()
    throw error
  }
}

function openSessions(
  { databasePath, sessionTimes }: AccountsConfig,
  { clock }: AccountsServices,
  onEnd: (id: number, why: SessionEnd) => void,
): Sessions {
  const store = databasePath === undefined ? new MemorySessionStore() : new SqliteSessionStore(databasePath)
  try {
    return new Sessions(store, clock, sessionTimes, onEnd)
  } catch (error) {
    store.close()
    throw error
  }
}
