import argon2 from 'argon2'
import { giveBackHashMemory } from './hash-memory.ts'
import { type HashParameters, hashParameters, type PasswordHasher } from './password.ts'
import { passwordBytes } from './password-rules.ts'

/** argon2id (RFC 9106). The work runs on libuv's pool of threads, a hash a thread. */
export function argon2Hasher(parameters: HashParameters = hashParameters): PasswordHasher {
  const { memoryKib, passes, lanes } = parameters
  const options = { memoryCost: memoryKib, timeCost: passes, parallelism: lanes }
  let hashedOnce = false
  let givenBack: Promise<void> | undefined
  /** Not before the first hash, which a server's start waits for: its memory goes back by itself. */
  const settle = async (): Promise<void> => {
    if (hashedOnce) givenBack ??= giveBackHashMemory()
    hashedOnce = true
    await givenBack
  }
  return {
    async hash(password) {
      await settle()
      return argon2.hash(passwordBytes(password), { ...options, type: argon2.argon2id })
    },
    async verify(hash, password) {
      await settle()
      return argon2.verify(hash, passwordBytes(password))
    },
    isOutdated: (hash) => argon2.needsRehash(hash, options),
  }
}
