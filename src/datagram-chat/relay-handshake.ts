import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Peer } from '../base/events.ts'
import { type KeySchedule, nullKeySchedule } from './aead.ts'
import { FieldWriter } from './fields.ts'
import {
  cookieBytes,
  decodeJoinRequest,
  encodeChallenge,
  encodeOffer,
  encodeRefused,
  encodeWelcome,
  type JoinRequest,
  joinPrefixBytes,
  nonceBytes,
  nonceOf,
  relayIdBytes,
  requestBytes,
  type WelcomeMessage,
  welcomeRandomBytes,
} from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, header, headerBytes } from './packet.ts'
import type { JoinRefusal } from './reasons.ts'

export interface RelayHandshakeOptions {
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** To somebody who has proven to hear what is sent there. */
  readonly send: (datagram: Buffer, peer: Peer) => void
  /** To anybody else; may be dropped. */
  readonly sendToStranger: (datagram: Buffer, peer: Peer) => void
  /** The peer's cookie came back. */
  readonly onProof: (peer: Peer) => void
  readonly room: string
  readonly salt: Buffer
  /** Undefined: the room has no key. */
  readonly keySchedule: KeySchedule | undefined
  readonly port: () => number
  readonly memberCount: () => number
  /** Admits somebody whose address is validated, or says why not. */
  readonly admit: (join: JoinRequest, peer: Peer) => WelcomeMessage | JoinRefusal
  readonly onRefused: (peer: Peer, reason: JoinRefusal) => void
}

interface AnsweredJoin {
  readonly untilMs: number
  readonly welcome: Buffer
  readonly session: Buffer
}

/**
 * The relay's side of all handshakes. Before a peer's address is validated nothing is kept and no answer is longer than what came, so
 * that the relay cannot be used to flood a forged source address. A join that comes again gets the same answer; a replayed one does not
 * bring back a member that has left.
 */
export class RelayHandshake {
  readonly #options: RelayHandshakeOptions
  readonly #cookies: CookieSigner
  readonly #keySchedule: KeySchedule
  readonly #answered = new Map<string, AnsweredJoin>()

  constructor(options: RelayHandshakeOptions) {
    this.#options = options
    this.#cookies = new CookieSigner(options.random(32))
    this.#keySchedule = options.keySchedule ?? nullKeySchedule
  }

  /** @throws {MalformedDatagram} */
  hello(datagram: Buffer, peer: Peer): void {
    if (datagram.length < requestBytes) return
    this.#challenge(nonceOf(datagram), peer)
  }

  /** Answers whoever looks for a relay. @throws {MalformedDatagram} */
  discover(datagram: Buffer, peer: Peer): void {
    if (datagram.length < requestBytes) return
    const { room, port, memberCount, keySchedule, salt } = this.#options
    const about = {
      relay: salt.subarray(0, relayIdBytes),
      port: port(),
      memberCount: memberCount(),
      keyed: keySchedule !== undefined,
      room,
    }
    this.#options.sendToStranger(encodeOffer({ nonce: nonceOf(datagram), ...about }), peer)
  }

  /** Answers another version of the protocol with the one that is spoken here, in four bytes. */
  otherVersion(datagram: Buffer, peer: Peer): void {
    if (datagram[3] !== DatagramType.version) this.#options.sendToStranger(header(DatagramType.version), peer)
  }

  /** `isOpen` tells whether a session that was opened before is still open. @throws {MalformedDatagram} */
  join(datagram: Buffer, peer: Peer, isOpen: (session: Buffer) => boolean): void {
    const nonce = nonceOf(datagram)
    const cookie = datagram.subarray(headerBytes + nonceBytes, joinPrefixBytes)
    if (datagram.length <= joinPrefixBytes) return
    const nowMs = this.#options.clock.monotonic()
    if (!this.#cookies.verify(cookie, peer, nonce, nowMs)) {
      // Expired, if it is not forged. A challenge is less than three times as long as the shortest join.
      this.#challenge(nonce, peer)
      return
    }
    this.#options.onProof(peer)
    const known = this.#answered.get(cookie.toString('latin1'))
    if (known !== undefined) {
      if (isOpen(known.session)) this.#options.send(known.welcome, peer)
      return
    }
    const prefix = datagram.subarray(0, joinPrefixBytes)
    const body = this.#keySchedule('join', nonce, cookie).open(prefix, 0, datagram.subarray(joinPrefixBytes))
    const welcome = body === undefined ? 'wrong-key' : this.#options.admit(decodeJoinRequest(body), peer)
    if (typeof welcome === 'string') {
      this.#refuse(nonce, peer, welcome)
      return
    }
    const answer = this.#sealWelcome(nonce, cookie, welcome)
    this.#remember(cookie.toString('latin1'), {
      untilMs: nowMs + 2 * datagramLimits.cookieMs,
      welcome: answer,
      session: welcome.session,
    })
    this.#options.send(answer, peer)
  }

  #challenge(nonce: Buffer, peer: Peer): void {
    const { clock, salt, keySchedule } = this.#options
    const cookie = this.#cookies.mint(peer, nonce, clock.monotonic())
    this.#options.sendToStranger(encodeChallenge({ nonce, cookie, salt, keyed: keySchedule !== undefined }), peer)
  }

  #refuse(nonce: Buffer, peer: Peer, reason: JoinRefusal): void {
    this.#options.onRefused(peer, reason)
    this.#options.send(encodeRefused({ nonce, reason, room: this.#options.room }), peer)
  }

  /** The key is derived from this handshake and fresh random bytes: no nonce is used twice even if a join were answered twice. */
  #sealWelcome(nonce: Buffer, cookie: Buffer, welcome: WelcomeMessage): Buffer {
    const random = this.#options.random(welcomeRandomBytes)
    const prefix = new FieldWriter().bytes(header(DatagramType.welcome)).bytes(nonce).bytes(random).finish()
    const aead = this.#keySchedule('welcome', nonce, cookie, random)
    return Buffer.concat([prefix, aead.seal(prefix, 0, encodeWelcome(welcome))])
  }

  #remember(key: string, answered: AnsweredJoin): void {
    const nowMs = this.#options.clock.monotonic()
    for (const [old, { untilMs }] of this.#answered) {
      if (untilMs > nowMs && this.#answered.size < datagramLimits.answeredJoins) break
      this.#answered.delete(old)
    }
    this.#answered.set(key, answered)
  }
}

/**
 * Stateless address validation (as in RFC 9147 5.1): a cookie is an HMAC over address, port, time slot and the peer's nonce. The relay
 * keeps nothing until it comes back.
 */
export class CookieSigner {
  readonly #secret: Buffer

  /** `secret`: 32 random bytes, new for each start. */
  constructor(secret: Buffer) {
    this.#secret = secret
  }

  /** `nowMs` is monotonic. */
  mint(peer: Peer, nonce: Buffer, nowMs: number): Buffer {
    return this.#mintSlot(peer, nonce, slotAt(nowMs))
  }

  /** True for a cookie minted for this peer and nonce in this time slot or the one before. */
  verify(cookie: Buffer, peer: Peer, nonce: Buffer, nowMs: number): boolean {
    const slot = slotAt(nowMs)
    return [slot, slot - 1].some((candidate) => timingSafeEqual(cookie, this.#mintSlot(peer, nonce, candidate)))
  }

  #mintSlot(peer: Peer, nonce: Buffer, slot: number): Buffer {
    const mac = createHmac('sha256', this.#secret).update(nonce).update(`${peer.address}|${peer.port}|${slot}`)
    return mac.digest().subarray(0, cookieBytes)
  }
}

function slotAt(nowMs: number): number {
  return Math.floor(nowMs / datagramLimits.cookieMs)
}
