import { randomBytes } from 'node:crypto'
import { giveBackHashMemory } from './hash-memory.ts'
import { type Argon2, nodeArgon2 } from './node-argon2.ts'
import { type HashParameters, hashParameters, type PasswordHasher } from './password.ts'
import { passwordBytes } from './password-rules.ts'
import { formatPhc, newSalt, parsePhc, tagBytes } from './phc.ts'

/** argon2id (RFC 9106). The work runs on libuv's pool of threads, a hash a thread. */
export function argon2Hasher(parameters: HashParameters = hashParameters): PasswordHasher {
  return {
    async load() {
      await loadArgon2()
    },
    hash: async (password) => (await loadArgon2()).hash(passwordBytes(password), parameters),
    verify: async (hash, password) => (await loadArgon2()).verify(hash, passwordBytes(password)),
    async isOutdated(hash) {
      const { memoryKib, passes, lanes } = parsePhc(hash)
      return memoryKib !== parameters.memoryKib || passes !== parameters.passes || lanes !== parameters.lanes
    },
    decoy: () => formatPhc({ ...parameters, salt: newSalt(), tag: randomBytes(tagBytes) }),
  }
}

let loading: Promise<Argon2> | undefined

/** Its addon is a third of what the accounts take to open, so nobody waits for it before the first password comes. */
function loadArgon2(): Promise<Argon2> {
  loading ??= load()
  return loading
}

async function load(): Promise<Argon2> {
  const argon2 = await packagedOrOwn()
  await giveBackHashMemory()
  return argon2
}

/** @throws why the package can't be loaded, where Node has none of its own. */
async function packagedOrOwn(): Promise<Argon2> {
  try {
    return packaged((await import('argon2')).default)
  } catch (error) {
    const own = nodeArgon2()
    if (own === undefined) throw error
    return own
  }
}

function packaged({ hash, verify, argon2id: type }: typeof import('argon2')): Argon2 {
  return {
    hash: (password, { memoryKib, passes, lanes }) =>
      hash(password, { memoryCost: memoryKib, timeCost: passes, parallelism: lanes, type }),
    verify,
  }
}
