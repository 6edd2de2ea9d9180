import { preflightUsers } from './file-user-store.ts'
import type { AccountsConfig, AccountsServices } from './open-accounts.ts'
import { SqliteSessionStore } from './sqlite-session-store.ts'

/**
 * Opens the stores and closes them again, as the thread that will own them opens them a moment later. False when the users
 * file is so large that it was left unread. @throws {StorageError} when a store can't be used
 */
export function preflightStores(
  { usersPath, databasePath }: Pick<AccountsConfig, 'usersPath' | 'databasePath'>,
  services: Pick<AccountsServices, 'clock' | 'processes'>,
): boolean {
  const read = preflightUsers({ path: usersPath, ...services })
  if (databasePath !== undefined) new SqliteSessionStore(databasePath, services.processes).close()
  return read
}
