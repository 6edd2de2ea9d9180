import { identify } from '../accounts/identify.ts'
import { RemoteAccounts } from '../accounts/remote-accounts.ts'
import { limits } from '../base/limits.ts'
import { defineProtocol } from '../serve/protocol.ts'
import { accountsConfig } from './account-options.ts'
import { shareAccounts } from './share-accounts.ts'

/** Greets a client by the name that its address has. */
export const ident = defineProtocol({
  name: 'ident',
  summary: 'know clients by their address: greet by name, or ask the name once',
  defaultPort: 9113,
  shared(_options, services) {
    // Nobody logs in here, so there are no sessions to keep.
    const times = { sessionIdle: limits.sessionIdleMs, sessionMax: limits.sessionMaxMs }
    return shareAccounts(accountsConfig({ users: services.files.users }, times), services)
  },
  create(_options, { shared }) {
    if (shared === undefined) throw new Error('ident needs its accounts')
    const accounts = new RemoteAccounts(shared)
    return { serve: (session) => identify(session, accounts) }
  },
})
