import { randomBytes } from 'node:crypto'
import type { HashParameters } from './password.ts'

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

/** What a new hash begins with: 16 random bytes. */
export function newSalt(): Buffer {
  return randomBytes(16)
}

/** The length of a new hash. */
export const tagBytes = 32

/** As the PHC string format wants it: without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
