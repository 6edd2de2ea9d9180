import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Peer } from '../base/events.ts'
import { datagramLimits } from './limits.ts'

export const cookieBytes = 16

/**
 * Stateless proof that a peer receives what is sent to its address (as in RFC 9147 5.1): an HMAC over address, port, time slot and the
 * peer's nonce. The relay keeps nothing until the cookie comes back.
 */
export class CookieJar {
  readonly #secret: Buffer

  /** `secret`: 32 random bytes, new for each start. */
  constructor(secret: Buffer) {
    this.#secret = secret
  }

  /** `nowMs` is monotonic. */
  bake(peer: Peer, nonce: Buffer, nowMs: number): Buffer {
    return this.#bakeSlot(peer, nonce, slotAt(nowMs))
  }

  /** True for a cookie baked for this peer and nonce in this time slot or the one before. */
  accepts(cookie: Buffer, peer: Peer, nonce: Buffer, nowMs: number): boolean {
    const slot = slotAt(nowMs)
    return [slot, slot - 1].some((candidate) => timingSafeEqual(cookie, this.#bakeSlot(peer, nonce, candidate)))
  }

  #bakeSlot(peer: Peer, nonce: Buffer, slot: number): Buffer {
    const mac = createHmac('sha256', this.#secret).update(nonce).update(`${peer.address}|${peer.port}|${slot}`)
    return mac.digest().subarray(0, cookieBytes)
  }
}

function slotAt(nowMs: number): number {
  return Math.floor(nowMs / datagramLimits.cookieMs)
}
