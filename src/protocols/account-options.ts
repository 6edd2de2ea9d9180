import type { AccountsConfig } from '../accounts/open-accounts.ts'
import { limits } from '../base/limits.ts'
import { spareProcessors } from '../base/processors.ts'
import { lifetime } from '../options/kinds.ts'
import { option } from '../options/spec.ts'

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
