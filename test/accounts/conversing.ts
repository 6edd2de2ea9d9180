import { join } from 'node:path'
import { serveAccount } from '../../src/accounts/account-session.ts'
import type { Accounts, SessionGranted } from '../../src/accounts/accounts.ts'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import { openAccounts } from '../../src/accounts/local-accounts.ts'
import { authenticate } from '../../src/accounts/login.ts'
import type { RegistrationPolicy } from '../../src/accounts/registration.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import type { FakeSession } from './fake-session.ts'

export const password = 'correct horse'
export const ada = { name: 'Ada', password }

export async function setUp(registration: RegistrationPolicy = { mode: 'open' }) {
  const clock = new VirtualClock()
  const accounts = await openAccounts(
    {
      usersPath: join(temporaryFolder(), 'users.json'),
      sessionTimes: { idleMs: accountLimits.sessionIdleMs, maxMs: accountLimits.sessionMaxMs },
      hashWidth: 1,
      registration,
    },
    {
      clock,
      record: () => {},
      hasher: argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 }),
    },
  )
  const { mode } = registration
  const services = { accounts, clock, service: 'auth', ...(mode !== 'open' && { registration: mode }) }
  return { clock, accounts, services }
}

export type SetUp = Awaited<ReturnType<typeof setUp>>

/** What the auth protocol does with a line. */
export async function serve(line: FakeSession, { services }: SetUp): Promise<void> {
  for (;;) {
    const own = await authenticate(line, services)
    if (own === undefined || (await serveAccount(line, own.session, services)) === 'ended') return
  }
}

export async function register(accounts: Accounts, who = ada): Promise<SessionGranted> {
  const outcome = await accounts.register({ ...who, address: '192.0.2.1' })
  if (outcome.kind !== 'welcome') throw new Error(outcome.kind)
  return outcome
}

export const namePrompt = 'Name:'
export const passwordPrompt = 'Password (visible here as you type; "netlab connect" hides it):'
export const wrong = [
  'No user has this name and this password.',
  'New here? Type the same password once more to register. Or try another one, or an empty line for another name.',
]
