import * as crypto from 'node:crypto'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { openLibc } from '../base/libc.ts'
import { accountLimits } from './limits.ts'
import { olderPasswordBytes, passwordBytes } from './password-rules.ts'

/** How a hash is made; stored with it, so that older ones still verify. */
export interface HashParameters {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** Turns passwords into hashes, at once and without a queue of its own. */
export interface PasswordHasher {
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
  /** Made with other parameters than today's. */
  isOutdated(hash: string): Promise<boolean>
  /** A hash that no password has, and that takes as long to verify as any other. */
  decoy(): string
  /** Loads what hashes, which the other methods do when they are called first. Rejects when it can't be loaded. */
  load(): Promise<void>
}

/** argon2id (RFC 9106). The work runs on libuv's pool of threads, a hash a thread. */
export function argon2Hasher(parameters: HashParameters = accountLimits.hashParameters): PasswordHasher {
  return {
    async load() {
      await loadArgon2()
    },
    hash: async (password) => (await loadArgon2()).hash(passwordBytes(password), parameters),
    async verify(hash, password) {
      const argon2 = await loadArgon2()
      if (await argon2.verify(hash, passwordBytes(password))) return true
      const older = olderPasswordBytes(password)
      return older !== undefined && argon2.verify(hash, older)
    },
    async isOutdated(hash) {
      const { memoryKib, passes, lanes } = parsePhc(hash)
      return memoryKib !== parameters.memoryKib || passes !== parameters.passes || lanes !== parameters.lanes
    },
    decoy: () => formatPhc({ ...parameters, salt: newSalt(), tag: randomBytes(tagBytes) }),
  }
}

let loading: Promise<Argon2> | undefined

/** Loading the addon takes a third as long as opening the accounts, so a server's start doesn't wait for it. */
function loadArgon2(): Promise<Argon2> {
  loading ??= load()
  return loading
}

async function load(): Promise<Argon2> {
  const argon2 = await packageOrNode()
  await giveBackHashMemory()
  return argon2
}

/** @throws why the package can't be loaded, where Node has none of its own. */
async function packageOrNode(): Promise<Argon2> {
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

/** An argon2id hash in its parts. */
export interface Phc extends HashParameters {
  readonly salt: Buffer
  readonly tag: Buffer
}

const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** @throws {TypeError} for what is no argon2id hash in the PHC string format. */
export function parsePhc(hash: string): Phc {
  const [, memory, passes, lanes, salt = '', tag = ''] = form.exec(hash) ?? []
  if (tag === '') throw new TypeError('not an argon2id hash as a PHC string')
  const parameters = { memoryKib: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  return { ...parameters, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
}

export function formatPhc({ memoryKib, passes, lanes, salt, tag }: Phc): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(tag)}`
}

/** The salt of a new hash: 16 random bytes. */
export function newSalt(): Buffer {
  return randomBytes(16)
}

/** The length of a new hash's tag. */
export const tagBytes = 32

/** As the PHC string format wants it: without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** An implementation of argon2id; hashes are PHC strings. */
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

/** `M_MMAP_THRESHOLD`, a parameter of mallopt(3). */
const mmapThreshold = -3

/**
 * Makes glibc give the memory of each password hash back to the system. Left alone it raises its threshold for that with the
 * first one, and then keeps 19 MiB for every thread that ever computed one. Where koffi is not there or the C library is
 * another, nothing changes.
 */
export async function giveBackHashMemory(): Promise<void> {
  try {
    const libc = await openLibc()
    libc?.library.func('int mallopt(int, int)')(mmapThreshold, accountLimits.hashMemoryBytes)
  } catch {
    // Then hashing only costs more memory.
  }
}
