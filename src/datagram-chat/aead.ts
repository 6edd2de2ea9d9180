import { createCipheriv, createDecipheriv, hkdfSync, scrypt } from 'node:crypto'

export const tagBytes = 16
export const ivBytes = 12

/**
 * Closes and opens the part of a datagram after its header. `number` must never repeat for one seal unless everything else is the same
 * too: it makes the nonce. `header` is authenticated with it.
 */
export interface Seal {
  close(header: Buffer, number: number, body: Buffer): Buffer
  /** Undefined when it was not closed with this key, header and number. */
  open(header: Buffer, number: number, closed: Buffer): Buffer | undefined
}

/** Without a room key the body travels as it is. */
export const openSeal: Seal = {
  close: (_header, _number, body) => body,
  open: (_header, _number, closed) => closed,
}

/** Gives every direction of every conversation its own key, so that counters can be nonces. Undefined room key: no sealing. */
export type MakeSeal = (purpose: SealPurpose, ...context: readonly Buffer[]) => Seal

export type SealPurpose = 'join' | 'welcome' | 'to relay' | 'to member' | 'to all'

/** AES-256-GCM under keys drawn from the room key with HKDF (RFC 5869). The nonce is the number as 12 bytes. */
export function sealsFrom(roomKey: Buffer): MakeSeal {
  return (purpose, ...context) => {
    const info = Buffer.concat([Buffer.from(`netlab chat-udp 1 ${purpose}\0`), ...context])
    return new GcmSeal(Buffer.from(hkdfSync('sha256', roomKey, Buffer.alloc(0), info, 32)))
  }
}

export const noSeals: MakeSeal = () => openSeal

class GcmSeal implements Seal {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  close(header: Buffer, number: number, body: Buffer): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce(number), { authTagLength: tagBytes }).setAAD(header)
    return Buffer.concat([cipher.update(body), cipher.final(), cipher.getAuthTag()])
  }

  open(header: Buffer, number: number, closed: Buffer): Buffer | undefined {
    if (closed.length < tagBytes) return undefined
    const end = closed.length - tagBytes
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce(number), { authTagLength: tagBytes })
    decipher.setAAD(header).setAuthTag(closed.subarray(end))
    try {
      return Buffer.concat([decipher.update(closed.subarray(0, end)), decipher.final()])
    } catch {
      return undefined
    }
  }
}

function nonce(number: number): Buffer {
  const bytes = Buffer.alloc(ivBytes)
  bytes.writeUIntBE(number, ivBytes - 6, 6)
  return bytes
}

/**
 * The 32-byte room key from the phrase that people agreed on: scrypt (RFC 7914) with N = 2^15, r = 8, p = 3, one of OWASP's equal
 * choices; about 0.3 s and 32 MiB for each guess of an attacker too. The salt is the relay's, new for each start.
 */
export function roomKeyFrom(phrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((done, failed) => {
    const cost = { N: 32_768, r: 8, p: 3, maxmem: 67_108_864 }
    scrypt(phrase.normalize('NFKC'), salt, 32, cost, (error, key) => (error === null ? done(key) : failed(error)))
  })
}
