import { claimUsers } from './file-user-store.ts'
import type { AccountsConfig, AccountsServices } from './open-accounts.ts'
import { SqliteSessionStore } from './sqlite-session-store.ts'

/**
 * Makes sure of the stores for the thread that will use them, and keeps their locks, which that thread shares, until `release`:
 * when that thread has closed them. When they are large they are not `checked`. @throws {StorageError} when one can't be used
 */
export function claimStores(
  { usersPath, databasePath }: Pick<AccountsConfig, 'usersPath' | 'databasePath'>,
  services: Pick<AccountsServices, 'clock'>,
): { readonly checked: boolean; release(): void } {
  const users = claimUsers({ path: usersPath, ...services })
  try {
    const sessions = databasePath === undefined ? undefined : new SqliteSessionStore(databasePath).closeKeepingLock()
    return {
      checked: users.checked,
      release() {
        users.lock?.release()
        sessions?.release()
      },
    }
  } catch (error) {
    users.lock?.release()
    throw error
  }
}
