import { randomInt } from 'node:crypto'
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

/** Without letters and digits that look alike. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'

/** 8 characters of `alphabet`: 39 bits, of which a guesser sees `chatLimits.claimAttempts`. */
export function newClaimCode(): string {
  const characters = Array.from({ length: 8 }, () => alphabet.charAt(randomInt(alphabet.length)))
  return `${characters.slice(0, 4).join('')}-${characters.slice(4).join('')}`
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

  has({ name, account }: Pick<ChatMember, 'name' | 'account'>): boolean {
    return this.#names.has(nameKey(name)) && this.#moderation.claimedBy(name) === account
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
