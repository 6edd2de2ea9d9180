import { AccountsThread } from '../accounts/accounts-thread.ts'
import type { AccountsConfig } from '../accounts/open-accounts.ts'
import type { Shared, SharedServices } from '../serve/protocol.ts'

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
