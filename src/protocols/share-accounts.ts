import { AccountsThread } from '../accounts/accounts-thread.ts'
import type { AccountsConfig } from '../accounts/open-accounts.ts'
import type { Claim, ClaimServices, Shared, SharedServices } from '../serve/protocol.ts'

/** Makes sure of the files of the accounts. @throws {StorageError} */
export async function claimAccounts(config: AccountsConfig, services: ClaimServices): Promise<Claim> {
  const { claimStores } = await import('../accounts/claim-stores.ts')
  return claimStores(config, services)
}

/** Makes the thread that owns the accounts the shared state of a server. */
export async function shareAccounts(config: AccountsConfig, services: SharedServices): Promise<Shared> {
  const accounts = await AccountsThread.open(config, services.startThread, services.record, services.fail)
  return {
    attach: (port) => accounts.attach(port),
    async command(words) {
      if (words.join(' ') !== 'clear users') return undefined
      const count = await accounts.clear()
      return count === 1 ? 'one user is forgotten' : `${count} users are forgotten`
    },
    close: () => accounts.close(),
  }
}
