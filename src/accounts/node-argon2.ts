import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import type { HashParameters } from './password.ts'
import { formatPhc, newSalt, parsePhc, tagBytes } from './phc.ts'

/** argon2id, whoever computes it; hashes are PHC strings. */
export interface Argon2 {
  hash(password: Buffer, parameters: HashParameters): Promise<string>
  verify(hash: string, password: Buffer): Promise<boolean>
}

/**
 * Computed by Node itself, for machines that can't load the addon of the argon2 package: it wants glibc 2.34, and Node only
 * 2.28. The hashes are the same. Undefined where Node was built without.
 */
export function nodeArgon2(): Argon2 | undefined {
  if (!('argon2' in crypto)) return undefined
  const compute = promisify(crypto.argon2)
  const tagOf = ({ memoryKib, passes, lanes }: HashParameters, message: Buffer, nonce: Buffer, tagLength: number) =>
    compute('argon2id', { message, nonce, memory: memoryKib, passes, parallelism: lanes, tagLength })
  return {
    async hash(password, parameters) {
      const salt = newSalt()
      return formatPhc({ ...parameters, salt, tag: await tagOf(parameters, password, salt, tagBytes) })
    },
    async verify(hash, password) {
      const { salt, tag, ...parameters } = parsePhc(hash)
      return crypto.timingSafeEqual(await tagOf(parameters, password, salt, tag.length), tag)
    },
  }
}
