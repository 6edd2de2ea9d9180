import { createCipheriv, createDecipheriv, hkdfSync, scrypt } from 'node:crypto'

export const tagBytes = 16
const nonceBytes = 12
const keyBytes = 32

/**
 * Authenticated encryption with associated data (RFC 5116) under one key. `number` makes the nonce: one key must never see a number twice
 * with different bytes.
 */
export interface Aead {
  seal(associatedData: Buffer, number: number, plaintext: Buffer): Buffer
  /** Undefined when it was not sealed with this key, associated data and number. */
  open(associatedData: Buffer, number: number, ciphertext: Buffer): Buffer | undefined
}

/** Without a room key the body travels as it is. */
export const nullAead: Aead = {
  seal: (_associatedData, _number, plaintext) => plaintext,
  open: (_associatedData, _number, ciphertext) => ciphertext,
}

/** Derives a key for each purpose and context. Every direction of every session has its own, so that packet numbers can be nonces. */
export type KeySchedule = (purpose: KeyPurpose, ...context: readonly Buffer[]) => Aead

export type KeyPurpose = 'join' | 'welcome' | 'to relay' | 'to member' | 'to all'

/** AES-256-GCM under keys derived from the room key with HKDF-SHA-256 (RFC 5869). */
export function keyScheduleFrom(roomKey: Buffer): KeySchedule {
  return (purpose, ...context) => {
    const info = Buffer.concat([Buffer.from(`netlab chat-udp 1 ${purpose}\0`), ...context])
    return new AesGcm(Buffer.from(hkdfSync('sha256', roomKey, Buffer.alloc(0), info, keyBytes)))
  }
}

/** Of a room without a key. */
export const nullKeySchedule: KeySchedule = () => nullAead

class AesGcm implements Aead {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  seal(associatedData: Buffer, number: number, plaintext: Buffer): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce(number), { authTagLength: tagBytes })
    cipher.setAAD(associatedData)
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  open(associatedData: Buffer, number: number, ciphertext: Buffer): Buffer | undefined {
    if (ciphertext.length < tagBytes) return undefined
    const end = ciphertext.length - tagBytes
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce(number), { authTagLength: tagBytes })
    decipher.setAAD(associatedData).setAuthTag(ciphertext.subarray(end))
    try {
      return Buffer.concat([decipher.update(ciphertext.subarray(0, end)), decipher.final()])
    } catch {
      return undefined
    }
  }
}

/** The number as 12 bytes. */
function nonce(number: number): Buffer {
  const bytes = Buffer.alloc(nonceBytes)
  bytes.writeUIntBE(number, nonceBytes - 6, 6)
  return bytes
}

/**
 * The 32-byte room key from the phrase that people agreed on: scrypt (RFC 7914) with N = 2^15, r = 8, p = 3, one of OWASP's equal
 * choices; about 0.3 s and 32 MiB for each guess of an attacker too. The salt is the relay's, new for each start.
 */
export function deriveRoomKey(phrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((done, failed) => {
    const cost = { N: 32_768, r: 8, p: 3, maxmem: 67_108_864 }
    scrypt(phrase.normalize('NFKC'), salt, keyBytes, cost, (error, key) => (error === null ? done(key) : failed(error)))
  })
}
