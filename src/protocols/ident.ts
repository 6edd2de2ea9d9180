import { RemoteAccounts } from '../accounts/accounts-thread.ts'
import { identify } from '../accounts/identify.ts'
import { defineProtocol } from '../serve/protocol.ts'
import { accountsConfig, commonAccounts, openAccountsState, preflightAccounts, usersOption } from './accounts.ts'

/** Greets a client by the name that its address has. */
export const ident = defineProtocol({
  name: 'ident',
  summary: 'know clients by their address: greet by name, or ask the name once',
  defaultPort: 9113,
  channels: ['accounts'],
  options: usersOption,
  common: commonAccounts,
  operatorCommands: async () => (await import('./account-commands.ts')).accountCommands('hosts'),
  preflight: (options, services) => preflightAccounts(accountsConfig(options), services),
  openSharedState: (options, services) => openAccountsState(accountsConfig(options), 'hosts', services),
  create(_options, { channels, clock }) {
    const accounts = new RemoteAccounts(channels.accounts)
    return { serve: (session) => identify(session, accounts, clock) }
  },
})
