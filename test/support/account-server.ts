import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { serveAccounts } from '../../src/accounts/accounts-thread.ts'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { openAccounts } from '../../src/accounts/local-accounts.ts'
import type { RegistrationPolicy } from '../../src/accounts/registration.ts'
import { systemClock } from '../../src/base/clock.ts'
import { auth } from '../../src/protocols/auth.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { LocalServer } from './local-server.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** `serve auth` in this very thread, with cheap hashes that are counted. */
export interface AccountServer extends AsyncDisposable {
  readonly server: LocalServer
  readonly port: number
  /** Passwords hashed or verified so far. */
  hashes(): number
  register(name: string, password: string): Promise<void>
  /** Forgets everybody, and ends their sessions. */
  clear(): Promise<unknown>
}

export async function startAccountServer(
  config: Partial<ServeConfig> = {},
  peerAddress?: string,
  registration: RegistrationPolicy = { mode: 'open' },
): Promise<AccountServer> {
  const cheap = argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 })
  let hashes = 0
  const accounts = await openAccounts(
    {
      usersPath: join(temporaryFolder(), 'users.json'),
      sessionTimes: { idleMs: 60_000, maxMs: 60_000 },
      hashWidth: 1,
      registration,
    },
    {
      clock: systemClock,
      record: () => undefined,
      hasher: {
        ...cheap,
        hash: (...args) => {
          hashes++
          return cheap.hash(...args)
        },
        verify: (...args) => {
          hashes++
          return cheap.verify(...args)
        },
      },
    },
  )
  const { port1, port2 } = new MessageChannel()
  serveAccounts(port2, accounts)
  const options = { registration: registration.mode }
  const server = await LocalServer.start(
    auth,
    { ...config, options },
    {
      channels: { accounts: port1 },
      ...(peerAddress !== undefined && { peerAddress }),
    },
  )
  return {
    server,
    port: server.port,
    hashes: () => hashes,
    async register(name, password) {
      await accounts.register({ name, password, address: '127.0.0.1' }, new AbortController().signal)
    },
    clear: () => accounts.clear(),
    async [Symbol.asyncDispose]() {
      await server.close()
      await accounts.close()
    },
  }
}
