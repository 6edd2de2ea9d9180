import { serveAccount } from '../accounts/account-session.ts'
import { authenticate } from '../accounts/authenticate.ts'
import { RemoteAccounts } from '../accounts/remote-accounts.ts'
import { defineProtocol } from '../serve/protocol.ts'
import { accountOptions, accountsConfig } from './account-options.ts'
import { claimAccounts, shareAccounts } from './share-accounts.ts'

/** Name and password, then a session; whoever logs out may log in again on the same connection. */
export const auth = defineProtocol({
  name: 'auth',
  summary: 'log in with name and password, or go on with a session',
  defaultPort: 9090,
  secrets: true,
  options: accountOptions,
  claim: (options, services) => claimAccounts(accountsConfig(services.files, options), services),
  shared: (options, services) => shareAccounts(accountsConfig(services.files, options), services),
  create(_options, { clock, shared }) {
    if (shared === undefined) throw new Error('auth needs its accounts')
    const services = { accounts: new RemoteAccounts(shared), clock, service: 'auth' }
    return {
      async serve(session) {
        for (;;) {
          const own = await authenticate(session, services)
          if (own === undefined || (await serveAccount(session, own, services)) === 'ended') return
        }
      },
    }
  },
})
