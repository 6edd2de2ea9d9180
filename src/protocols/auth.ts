import { serveAccount } from '../accounts/account-session.ts'
import { RemoteAccounts } from '../accounts/accounts-thread.ts'
import { authenticate } from '../accounts/login.ts'
import { defineProtocol } from '../serve/protocol.ts'
import {
  accountOptions,
  accountsConfig,
  commonAccounts,
  openAccountsState,
  preflightAccounts,
  withRegistrationCode,
} from './accounts.ts'

/** Name and password, then a session; whoever logs out may log in again on the same connection. */
export const auth = defineProtocol({
  name: 'auth',
  summary: 'log in with name and password, or go on with a session',
  defaultPort: 9090,
  secrets: true,
  options: accountOptions,
  channels: ['accounts'],
  common: commonAccounts,
  operatorCommands: async () => (await import('./account-commands.ts')).accountCommands('users'),
  completeOptions: withRegistrationCode,
  preflight: (options, services) => preflightAccounts(accountsConfig(options), services),
  openSharedState: (options, services) => openAccountsState(accountsConfig(options), 'users', services),
  create({ registration }, { clock, channels }) {
    const accounts = new RemoteAccounts(channels.accounts)
    const services = { accounts, clock, service: 'auth', ...(registration !== 'open' && { registration }) }
    return {
      async serve(session) {
        for (;;) {
          const own = await authenticate(session, services)
          if (own === undefined || (await serveAccount(session, own.session, services)) === 'ended') return
        }
      },
    }
  },
})
