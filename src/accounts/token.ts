import { createHash, randomBytes } from 'node:crypto'
import { limits } from '../base/limits.ts'

const tokenBytes = 32

/** A new session token: 256 random bits as base64url, 43 characters. It is shown once and never kept. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url')
}

/**
 * What is kept of a token: its SHA-256, hexadecimal. A fast hash is enough, since 256 random bits can't be guessed.
 * Undefined when the text can't be a token.
 */
export function tokenHash(token: string): string | undefined {
  if (token.length > limits.tokenCodeUnits || !/^[\w-]{43}$/.test(token)) return undefined
  return createHash('sha256').update(token).digest('hex')
}
