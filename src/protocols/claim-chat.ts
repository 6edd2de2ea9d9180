import { HistoryStore } from '../chat/history-store.ts'
import type { Values } from '../options/spec.ts'
import type { Claim, ClaimServices } from '../serve/protocol.ts'
import { accountsConfig } from './account-options.ts'
import { type chatOptions, historyConfig } from './chat-options.ts'
import { claimAccounts } from './share-accounts.ts'

/** Makes sure of the files of the accounts, and of the history in the same database. @throws {StorageError} */
export async function claimChat(options: Values<typeof chatOptions>, services: ClaimServices): Promise<Claim> {
  const accounts = await claimAccounts(accountsConfig(services.files, options), services)
  try {
    const history = historyConfig(services.files, options)
    if (history !== undefined) new HistoryStore(history).close()
    return accounts
  } catch (error) {
    accounts.release()
    throw error
  }
}
