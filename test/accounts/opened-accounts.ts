import { join } from 'node:path'
import { expect } from '@jest/globals'
import type { SessionGranted } from '../../src/accounts/accounts.ts'
import { argon2Hasher, type PasswordHasher } from '../../src/accounts/argon2.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import { openAccounts } from '../../src/accounts/local-accounts.ts'
import type { RegistrationPolicy } from '../../src/accounts/registration.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import type { SlowDisk } from './support.ts'

export const sessionTimes = { idleMs: accountLimits.sessionIdleMs, maxMs: accountLimits.sessionMaxMs }
export const quick = argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 })
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Counts verifications, and lets them end when told to. */
export class CountingHasher implements PasswordHasher {
  verified: string[] = []
  hashed = 0
  gate: Promise<void> | undefined
  readonly #inner: PasswordHasher

  constructor(inner: PasswordHasher = quick) {
    this.#inner = inner
  }

  hash(password: string): Promise<string> {
    this.hashed++
    return this.#inner.hash(password)
  }

  async verify(hash: string, password: string): Promise<boolean> {
    this.verified.push(hash)
    await this.gate
    return this.#inner.verify(hash, password)
  }

  isOutdated(hash: string): Promise<boolean> {
    return this.#inner.isOutdated(hash)
  }

  decoy(): string {
    return this.#inner.decoy()
  }

  load(): Promise<void> {
    return this.#inner.load()
  }
}

export async function setUp(
  options: {
    path?: string
    hasher?: PasswordHasher
    disk?: SlowDisk
    hashWidth?: number
    registration?: RegistrationPolicy
  } = {},
) {
  const clock = new VirtualClock()
  const events: NetlabEvent[] = []
  const path = options.path ?? folder()
  const hasher = new CountingHasher(options.hasher)
  const accounts = await openAccounts(
    {
      usersPath: join(path, 'users.json'),
      databasePath: join(path, 'netlab.db'),
      sessionTimes,
      hashWidth: options.hashWidth ?? 1,
      ...(options.registration !== undefined && { registration: options.registration }),
    },
    {
      clock,
      record: (event) => events.push(event),
      hasher,
      ...(options.disk !== undefined && { disk: options.disk }),
    },
  )
  return { clock, events, path, hasher, accounts }
}

export const address = '192.0.2.7'
export const ada = { name: 'Ada', password: 'correct horse', address }

export function welcome(outcome: { readonly kind: string }): SessionGranted & { readonly token: string } {
  expect(outcome).toMatchObject({ kind: 'welcome', token: expect.stringMatching(/^[\w-]{43}$/) })
  return outcome as SessionGranted & { readonly token: string }
}
