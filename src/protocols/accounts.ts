import { AccountsThread } from '../accounts/accounts-thread.ts'
import type { AccountsConfig } from '../accounts/open-accounts.ts'
import { limits } from '../base/limits.ts'
import { spareProcessors } from '../base/processors.ts'
import { lifetime } from '../options/kinds.ts'
import { option } from '../options/spec.ts'
import type { PreflightServices, SharedState, SharedStateServices } from '../serve/protocol.ts'

// What the protocols over the accounts have in common: options, preflight, shared state.

/** The options of every server that people log in to. */
export const accountOptions = {
  sessionIdle: option({
    kind: lifetime,
    summary: 'a session ends when not used for so long',
    default: limits.sessionIdleMs,
    defaultText: '24h',
  }),
  sessionMax: option({
    kind: lifetime,
    summary: 'a session ends so long after its login in any case',
    default: limits.sessionMaxMs,
    defaultText: '30d',
  }),
} as const

/** What an accounts thread is told. Without a database sessions end with the server. */
export function accountsConfig(
  files: { readonly users: string; readonly db?: string },
  { sessionIdle, sessionMax }: { readonly sessionIdle: number; readonly sessionMax: number },
): AccountsConfig {
  return {
    usersPath: files.users,
    ...(files.db !== undefined && { databasePath: files.db }),
    sessionTimes: { idleMs: sessionIdle, maxMs: sessionMax },
    hashWidth: spareProcessors(),
  }
}

/** Checks the files of the accounts. @throws {StorageError} */
export async function preflightAccounts(config: AccountsConfig, services: PreflightServices): Promise<boolean> {
  const { preflightStores } = await import('../accounts/preflight.ts')
  return preflightStores(config, services)
}

/** Starts the storage thread that owns the accounts. Clients reach it through the channel `accounts`. */
export async function openAccountsState(
  config: AccountsConfig,
  services: SharedStateServices,
): Promise<SharedState<'accounts'>> {
  const thread = await AccountsThread.open(config, services.startThread, services.record, services.fail)
  return {
    attach: ({ accounts }) => thread.attach(accounts),
    async command(words) {
      if (words.join(' ') !== 'clear users') return undefined
      const count = await thread.clear()
      return count === 1 ? 'one user is forgotten' : `${count} users are forgotten`
    },
    close: () => thread.close(),
  }
}
