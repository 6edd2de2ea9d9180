import { FileUserStore } from './file-user-store.ts'
import type { AccountsConfig, AccountsServices } from './open-accounts.ts'
import { SqliteSessionStore } from './sqlite-session-store.ts'

/**
 * Makes sure of the stores for the thread that will own them: opens them, and keeps their locks until that thread has taken
 * them over, or until `release`. @throws {StorageError} when one can't be used
 */
export function claimStores(
  { usersPath, databasePath }: Pick<AccountsConfig, 'usersPath' | 'databasePath'>,
  services: Pick<AccountsServices, 'clock' | 'processes'>,
): { release(): void } {
  const users = new FileUserStore({ path: usersPath, ...services }).closeKeepingLock()
  try {
    const sessions =
      databasePath === undefined
        ? undefined
        : new SqliteSessionStore(databasePath, services.processes).closeKeepingLock()
    return {
      release() {
        users?.release()
        sessions?.release()
      },
    }
  } catch (error) {
    users?.release()
    throw error
  }
}
