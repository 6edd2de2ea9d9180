import { createHash, timingSafeEqual } from 'node:crypto'
import { accountLimits } from './limits.ts'

/** Who may register: everybody, whoever says a code, or nobody. */
export type RegistrationMode = 'open' | 'code' | 'closed'

export type RegistrationPolicy = { readonly mode: 'open' | 'closed' } | { readonly mode: 'code'; readonly code: string }

/** Why this can't be a registration code, as a part of a sentence; undefined when it can. */
export function codeFault(code: string): string | undefined {
  const length = [...plainCode(code)].length
  const { registrationCodeMinLength: least, registrationCodeMaxLength: most } = accountLimits
  if (length < least) return `it needs ${least} characters, spaces not counted, or it is guessed`
  return length > most ? `it has more than ${most} characters` : undefined
}

/** Whether two codes are the same: whoever heard it said writes it in any case and with any spaces. */
export function sameCode(one: string, other: string): boolean {
  // Hashes have one length, so the time of the comparison tells nothing about the code.
  return timingSafeEqual(digest(one), digest(other))
}

function plainCode(code: string): string {
  return code.normalize('NFKC').replace(/\s+/gu, '').toLowerCase()
}

function digest(code: string): Buffer {
  return createHash('sha256').update(plainCode(code)).digest()
}
