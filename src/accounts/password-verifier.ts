import type { BadPassword, Credentials, Unavailable, WrongPassword } from './accounts.ts'
import type { PasswordHasher } from './argon2.ts'
import type { HashQueue } from './hash-queue.ts'
import type { KnownSources } from './known-sources.ts'
import { attemptFault } from './password-rules.ts'
import type { Delayer, LoginThrottle, Verdict } from './throttle.ts'
import type { UserStore } from './user-store.ts'
import type { UserRecord } from './users-file.ts'

/** Name and password belong together. */
export interface Verified {
  readonly kind: 'verified'
  readonly user: UserRecord
  /** A hash of the same password with today's parameters, when the stored one was made with others. */
  readonly newHash?: string
  readonly delayedMs: number
  readonly delayedBy: Delayer
}

export interface VerifierParts {
  readonly users: UserStore
  readonly hasher: PasswordHasher
  readonly queue: HashQueue
  readonly throttle: LoginThrottle
  readonly knownSources: KnownSources
}

/** Checks a name and a password. An unknown name and a wrong password take the same time and give the same answer. */
export class PasswordVerifier {
  readonly #parts: VerifierParts
  /** Verified in place of the hash of a user that doesn't exist. */
  readonly #decoy: string

  constructor(parts: VerifierParts) {
    this.#parts = parts
    this.#decoy = parts.hasher.decoy()
  }

  async verify(
    { name, password, address, failures = 0 }: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<Verified | WrongPassword | BadPassword | Unavailable> {
    const { users, queue, throttle, knownSources } = this.#parts
    const why = attemptFault(password)
    if (why !== undefined) return { kind: 'bad-password', why }
    const account = users.user(name)
    // Looked up for a name without an account too: it takes the same time.
    const known = knownSources.has(account?.id ?? '', address)
    const admission = await throttle.attempt({ name, address, known, failures }, signal)
    if (admission.kind !== 'admitted') return admission
    const delay = { delayedMs: admission.waitedMs, delayedBy: admission.by }
    let verdict: Verdict = 'untested'
    try {
      const turn = await queue.run(() => this.#compare(name, password), { urgent: known, signal })
      if (turn.kind !== 'done') return turn
      const { user } = turn.value
      verdict = turn.value.matches ? 'right' : user === undefined ? 'unknown' : 'wrong'
      if (user === undefined || !turn.value.matches) {
        return { kind: 'wrong', ...delay, ...(user !== undefined && { account: user.name }) }
      }
      return {
        kind: 'verified',
        ...delay,
        user,
        ...(turn.value.newHash !== undefined && { newHash: turn.value.newHash }),
      }
    } finally {
      admission.settle(verdict)
    }
  }

  async #compare(
    name: string,
    password: string,
  ): Promise<{ readonly user: UserRecord | undefined; readonly matches: boolean; readonly newHash?: string }> {
    const { users, hasher } = this.#parts
    const user = users.user(name)
    const matches = await hasher.verify(user?.hash ?? this.#decoy, password)
    if (user === undefined || !matches || !(await hasher.isOutdated(user.hash)))
      return { user, matches: user !== undefined && matches }
    return { user, matches, newHash: await hasher.hash(password) }
  }
}
