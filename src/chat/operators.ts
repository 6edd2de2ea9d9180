import { secretCode } from '../base/secret-code.ts'
import { nameKey } from '../text/names.ts'
import type { ModerationEntry } from './history.ts'
import { chatLimits } from './limits.ts'
import type { ChatMember, ModerationStore } from './room.ts'

/** A name of `--operators`, and the account that has it when the server starts. */
export interface OperatorName {
  readonly name: string
  readonly account: string | undefined
}

interface Claim {
  readonly name: string
  readonly code: string
  wrong: number
}

/** 39 bits, of which a guesser sees `chatLimits.claimAttempts`. */
export function newClaimCode(): string {
  return secretCode(2)
}

/**
 * Who is an operator by `--operators`. The right belongs to an account, not to its name: to the account that had the name when
 * the option was first used. A name that nobody had then, or that another account has since, must be claimed with a code that is
 * shown to whoever starts the server; or the first to register `root` would rule.
 */
export class OperatorClaims {
  readonly #moderation: ModerationStore
  readonly #keep: (entry: ModerationEntry) => void
  readonly #names = new Set<string>()
  readonly #claims = new Map<string, Claim>()

  /** @param keep puts an entry into `moderation` and on disk */
  constructor(
    names: readonly OperatorName[],
    moderation: ModerationStore,
    keep: (entry: ModerationEntry) => void,
    newCode: () => string = newClaimCode,
  ) {
    this.#moderation = moderation
    this.#keep = keep
    for (const { name, account } of names) {
      const key = nameKey(name)
      this.#names.add(key)
      const holder = moderation.claimedBy(name)
      if (account !== undefined && holder === undefined) this.#bind(name, account)
      else if (account === undefined || holder !== account) this.#claims.set(key, { name, code: newCode(), wrong: 0 })
    }
  }

  has({ account }: Pick<ChatMember, 'account'>): boolean {
    // By the account: its name may have been changed since.
    return [...this.#names].some((name) => this.#moderation.claimedBy(name) === account)
  }

  /** What whoever starts the server has to know, a sentence a name. */
  get notices(): readonly string[] {
    return [...this.#claims.values()].map(
      ({ name, code }) => `operator ${name}: whoever has that name becomes an operator by /claim ${code}`,
    )
  }

  /** Whether the code makes the member an operator; it does so once. */
  claim({ name, account }: Pick<ChatMember, 'name' | 'account'>, code: string): boolean {
    const key = nameKey(name)
    const claim = this.#claims.get(key)
    if (claim === undefined) return false
    const right = claim.code === code.trim().toLowerCase()
    if (right) this.#bind(name, account)
    if (right || ++claim.wrong >= chatLimits.claimAttempts) this.#claims.delete(key)
    return right
  }

  #bind(name: string, account: string): void {
    this.#keep({ kind: 'claim', room: '', name, text: '', account })
  }
}
