import { Buffer } from 'node:buffer'
import { limits } from '../base/limits.ts'
import { nameKey } from '../text/names.ts'
import { commonPasswords } from './common-passwords.ts'

export type PasswordFault = 'short' | 'long' | 'common' | 'name' | 'encoding'

export const passwordFaults: Readonly<Record<PasswordFault, string>> = {
  short: `A password has at least ${limits.passwordMinBytes} bytes.`,
  long: `A password has at most ${limits.passwordMaxBytes} bytes.`,
  common: 'That password is one of the commonest; everyone who guesses tries it first.',
  name: 'The password must not be the name.',
  encoding: 'That password did not arrive as UTF-8; set your terminal or client to UTF-8.',
}

/** The bytes that are hashed: UTF-8 in normal form C, so that two keyboards type the same password (RFC 8265 4.2). */
export function passwordBytes(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}

/** What must hold for every attempt, whoever it names; undefined when it does. */
export function attemptFault(password: string): PasswordFault | undefined {
  // Before normalising: a text of this many UTF-16 units can't become short enough again.
  if (password.length > limits.passwordMaxBytes * 3) return 'long'
  // All bytes that are no UTF-8 have become the same sign: a wrong password would pass for the right one.
  if (password.includes('\ufffd') || !password.isWellFormed()) return 'encoding'
  const { length } = passwordBytes(password)
  if (length < limits.passwordMinBytes) return 'short'
  return length > limits.passwordMaxBytes ? 'long' : undefined
}

/** What is wrong with a new password for `name`; undefined when it is good. */
export function passwordFault(password: string, name: string): PasswordFault | undefined {
  const fault = attemptFault(password)
  if (fault !== undefined) return fault
  if (nameKey(password) === nameKey(name)) return 'name'
  return commonPasswords.has(password.normalize('NFC').toLowerCase()) ? 'common' : undefined
}
