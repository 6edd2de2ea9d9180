import type { BadPassword, Credentials, Unavailable, WrongPassword } from './accounts.ts'
import type { PasswordHasher } from './argon2.ts'
import type { HashQueue } from './hash-queue.ts'
import { attemptFault } from './password-rules.ts'
import type { LoginThrottle } from './throttle.ts'
import type { UserStore } from './user-store.ts'
import type { UserRecord } from './users-file.ts'

export interface Verified {
  readonly kind: 'verified'
  readonly user: UserRecord
  /** The same password under today's parameters, when the kept hash is older. */
  readonly newHash?: string
  readonly delayedMs: number
}

/** Finds out whether a name and a password belong together, in the same time and with the same answer for both faults. */
export class PasswordVerifier {
  readonly #users: UserStore
  readonly #hasher: PasswordHasher
  readonly #queue: HashQueue
  readonly #guard: LoginThrottle
  /** Stands for the hash of every user that doesn't exist. */
  readonly #decoy: string

  constructor(users: UserStore, hasher: PasswordHasher, queue: HashQueue, guard: LoginThrottle) {
    this.#users = users
    this.#hasher = hasher
    this.#queue = queue
    this.#guard = guard
    this.#decoy = hasher.decoy()
  }

  async verify(
    { name, password, address }: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<Verified | WrongPassword | BadPassword | Unavailable> {
    const retryMs = this.#guard.refusedMs(address)
    if (retryMs > 0) return { kind: 'throttled', retryMs }
    const why = attemptFault(password)
    if (why !== undefined) return { kind: 'bad-password', why }
    const delayedMs = await this.#guard.delay(name, signal)
    if (delayedMs === undefined) return { kind: 'left' }

    const turn = await this.#queue.run(() => this.#compare(name, password, address), signal)
    if (turn.kind !== 'done') return turn
    const found = turn.value
    if (found === 'wrong') {
      const account = this.#users.user(name)?.name
      this.#guard.failed(name, address)
      return { kind: 'wrong', delayedMs, ...(account !== undefined && { account }) }
    }
    if ('retryMs' in found) return { kind: 'throttled', ...found }
    this.#guard.succeeded(name)
    return { kind: 'verified', delayedMs, ...found }
  }

  async #compare(
    name: string,
    password: string,
    address: string,
  ): Promise<'wrong' | { readonly retryMs: number } | Pick<Verified, 'user' | 'newHash'>> {
    // Others of the same source may have failed while this one waited for its turn.
    const retryMs = this.#guard.refusedMs(address)
    if (retryMs > 0) return { retryMs }
    const user = this.#users.user(name)
    const matches = await this.#hasher.verify(user?.hash ?? this.#decoy, password)
    if (user === undefined || !matches) return 'wrong'
    if (!(await this.#hasher.isOutdated(user.hash))) return { user }
    return { user, newHash: await this.#hasher.hash(password) }
  }
}
