import { keepOutOfGit } from '../files/checkout.ts'
import { isMountPoint } from '../files/overwrite-file.ts'
import type { AccountsConfig, AccountsServices } from './local-accounts.ts'
import { SqliteSessionStore } from './session-store.ts'
import { preflightUsers } from './user-store.ts'

/**
 * Opens the stores and closes them again before the thread that will own them opens them, and keeps their locks, which that
 * thread shares, until `release`. Not `complete` when the users file is so large that it was left unread.
 * @throws {StorageError} when a store can't be used
 */
export function preflightStores(
  { usersPath, databasePath }: Pick<AccountsConfig, 'usersPath' | 'databasePath'>,
  services: Pick<AccountsServices, 'clock'> & { readonly notice: (sentence: string) => void },
): { readonly complete: boolean; release(): void } {
  const users = preflightUsers({ path: usersPath, ...services })
  try {
    keepOutOfGit(usersPath, services.notice)
    for (const path of [usersPath, databasePath]) {
      if (path === undefined || !isMountPoint(path)) continue
      // Locks and journals lie beside a file, where a mount of the file alone doesn't lead.
      services.notice(
        `${path} is a mount of its own, so another server that shares it is not noticed: mount its folder`,
      )
    }
    const sessions = databasePath === undefined ? undefined : new SqliteSessionStore(databasePath).closeKeepingLock()
    return {
      complete: users.complete,
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
