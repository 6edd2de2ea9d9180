import { identify } from '../accounts/identify.ts'
import type { AccountsConfig } from '../accounts/open-accounts.ts'
import { RemoteAccounts } from '../accounts/remote-accounts.ts'
import { limits } from '../base/limits.ts'
import { defineProtocol, type ServerFiles } from '../serve/protocol.ts'
import { accountsConfig, openAccountsState, preflightAccounts } from './accounts.ts'

/** Greets a client by the name that its address has. */
export const ident = defineProtocol({
  name: 'ident',
  summary: 'know clients by their address: greet by name, or ask the name once',
  defaultPort: 9113,
  channels: ['accounts'],
  preflight: (_options, services) => preflightAccounts(config(services.files), services),
  openSharedState: (_options, services) => openAccountsState(config(services.files), services),
  create(_options, { channels }) {
    const accounts = new RemoteAccounts(channels.accounts)
    return { serve: (session) => identify(session, accounts) }
  },
})

/** Nobody logs in here, so there are no sessions to keep. */
function config({ users }: ServerFiles): AccountsConfig {
  return accountsConfig({ users }, { sessionIdle: limits.sessionIdleMs, sessionMax: limits.sessionMaxMs })
}
