import argon2 from 'argon2'
import { type HashParameters, hashParameters, type PasswordHasher } from './password.ts'
import { passwordBytes } from './password-rules.ts'

/** argon2id (RFC 9106). The work runs on libuv's pool of threads, a hash a thread. */
export function argon2Hasher(parameters: HashParameters = hashParameters): PasswordHasher {
  const { memoryKib, passes, lanes } = parameters
  const options = { memoryCost: memoryKib, timeCost: passes, parallelism: lanes }
  return {
    hash: (password) => argon2.hash(passwordBytes(password), { ...options, type: argon2.argon2id }),
    verify: (hash, password) => argon2.verify(hash, passwordBytes(password)),
    isOutdated: (hash) => argon2.needsRehash(hash, options),
  }
}
