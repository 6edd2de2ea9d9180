import type { BadPassword, Credentials, Unavailable, WrongPassword } from './accounts.ts'
import type { PasswordHasher } from './argon2.ts'
import type { HashQueue } from './hash-queue.ts'
import { attemptFault } from './password-rules.ts'
import type { LoginThrottle } from './throttle.ts'
import type { UserStore } from './user-store.ts'
import type { UserRecord } from './users-file.ts'

/** Name and password belong together. */
export interface Verified {
  readonly kind: 'verified'
  readonly user: UserRecord
  /** A hash of the same password with today's parameters, when the stored one was made with others. */
  readonly newHash?: string
  readonly delayedMs: number
}

/** Checks a name and a password. An unknown name and a wrong password take the same time and give the same answer. */
export class PasswordVerifier {
  readonly #users: UserStore
  readonly #hasher: PasswordHasher
  readonly #queue: HashQueue
  readonly #throttle: LoginThrottle
  /** Verified in place of the hash of a user that doesn't exist. */
  readonly #decoy: string

  constructor(users: UserStore, hasher: PasswordHasher, queue: HashQueue, throttle: LoginThrottle) {
    this.#users = users
    this.#hasher = hasher
    this.#queue = queue
    this.#throttle = throttle
    this.#decoy = hasher.decoy()
  }

  async verify(
    { name, password, address }: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<Verified | WrongPassword | BadPassword | Unavailable> {
    const retryMs = this.#throttle.refusedMs(address)
    if (retryMs > 0) return { kind: 'throttled', retryMs }
    const why = attemptFault(password)
    if (why !== undefined) return { kind: 'bad-password', why }
    const delayedMs = await this.#throttle.delay(name, signal)
    if (delayedMs === undefined) return { kind: 'left' }

    const turn = await this.#queue.run(() => this.#compare(name, password, address), signal)
    if (turn.kind !== 'done') return turn
    const found = turn.value
    if (found === 'wrong') {
      const account = this.#users.user(name)?.name
      this.#throttle.failed(name, address)
      return { kind: 'wrong', delayedMs, ...(account !== undefined && { account }) }
    }
    if ('retryMs' in found) return { kind: 'throttled', ...found }
    this.#throttle.succeeded(name)
    return { kind: 'verified', delayedMs, ...found }
  }

  async #compare(
    name: string,
    password: string,
    address: string,
  ): Promise<'wrong' | { readonly retryMs: number } | Pick<Verified, 'user' | 'newHash'>> {
    // Other attempts of the same source may have failed while this one was queued.
    const retryMs = this.#throttle.refusedMs(address)
    if (retryMs > 0) return { retryMs }
    const user = this.#users.user(name)
    const matches = await this.#hasher.verify(user?.hash ?? this.#decoy, password)
    if (user === undefined || !matches) return 'wrong'
    if (!(await this.#hasher.isOutdated(user.hash))) return { user }
    return { user, newHash: await this.#hasher.hash(password) }
  }
}
