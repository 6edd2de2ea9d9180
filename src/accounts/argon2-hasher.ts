import { randomBytes } from 'node:crypto'
import { giveBackHashMemory } from './hash-memory.ts'
import { type HashParameters, hashParameters, type PasswordHasher } from './password.ts'
import { passwordBytes } from './password-rules.ts'

const saltBytes = 16
const tagBytes = 32

/** argon2id (RFC 9106). The work runs on libuv's pool of threads, a hash a thread. */
export function argon2Hasher(parameters: HashParameters = hashParameters): PasswordHasher {
  const { memoryKib, passes, lanes } = parameters
  const options = { memoryCost: memoryKib, timeCost: passes, parallelism: lanes }
  return {
    async load() {
      await loadArgon2()
    },
    async hash(password) {
      const argon2 = await loadArgon2()
      return argon2.hash(passwordBytes(password), { ...options, type: argon2.argon2id })
    },
    verify: async (hash, password) => (await loadArgon2()).verify(hash, passwordBytes(password)),
    isOutdated: async (hash) => (await loadArgon2()).needsRehash(hash, options),
    decoy: () =>
      `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${randomBase64(saltBytes)}$${randomBase64(tagBytes)}`,
  }
}

let loading: ReturnType<typeof load> | undefined

/** Its addon is a third of what the accounts take to open, so nobody waits for it before the first password comes. */
function loadArgon2() {
  loading ??= load()
  return loading
}

async function load() {
  const argon2 = (await import('argon2')).default
  await giveBackHashMemory()
  return argon2
}

/** As the PHC string format wants it: without padding. */
function randomBase64(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '')
}
