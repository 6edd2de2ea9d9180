import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Peer } from '../base/events.ts'
import { ivBytes, type MakeSeal, noSeals } from './aead.ts'
import { ByteWriter } from './fields.ts'
import {
  cookieBytes,
  decodeJoin,
  encodeChallenge,
  encodeHere,
  encodeRefused,
  encodeWelcome,
  type Join,
  joinPrefixBytes,
  nonceBytes,
  nonceOf,
  questionBytes,
  relayIdBytes,
  type Welcome,
} from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, header, headerBytes } from './packet.ts'
import type { JoinRefusal } from './reasons.ts'

export interface RelayDoorOptions {
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  readonly send: (datagram: Buffer, peer: Peer) => void
  readonly room: string
  readonly salt: Buffer
  /** Undefined: the room has no key. */
  readonly makeSeal: MakeSeal | undefined
  readonly port: () => number
  readonly memberCount: () => number
  /** Lets somebody in whose address is proven, or says why not. */
  readonly admit: (join: Join, peer: Peer) => Welcome | JoinRefusal
  readonly onRefused: (peer: Peer, reason: JoinRefusal) => void
}

interface Answered {
  readonly untilMs: number
  readonly welcome: Buffer
  readonly session: Buffer
}

/** Joins remembered at a time; each has proven its address. */
const answeredCount = 2 * datagramLimits.maxMembers

/**
 * The relay's door. Before a peer has proven its address nothing is kept and no answer is longer than what came, so a forged source
 * address costs its owner nothing. A join that comes again gets the same answer; a replayed one brings nobody back.
 */
export class RelayDoor {
  readonly #options: RelayDoorOptions
  readonly #cookies: CookieJar
  readonly #makeSeal: MakeSeal
  readonly #answered = new Map<string, Answered>()

  constructor(options: RelayDoorOptions) {
    this.#options = options
    this.#cookies = new CookieJar(options.random(32))
    this.#makeSeal = options.makeSeal ?? noSeals
  }

  /** @throws {MalformedDatagram} */
  hello(datagram: Buffer, peer: Peer): void {
    if (datagram.length < questionBytes) return
    this.#challenge(nonceOf(datagram), peer)
  }

  /** Somebody looks for a relay. @throws {MalformedDatagram} */
  find(datagram: Buffer, peer: Peer): void {
    if (datagram.length < questionBytes) return
    const { room, port, memberCount, makeSeal, salt } = this.#options
    const about = {
      relay: salt.subarray(0, relayIdBytes),
      port: port(),
      memberCount: memberCount(),
      keyed: makeSeal !== undefined,
      room,
    }
    this.#options.send(encodeHere({ nonce: nonceOf(datagram), ...about }), peer)
  }

  /** Another version of the protocol: says which one is spoken here, in four bytes. */
  foreignVersion(datagram: Buffer, peer: Peer): void {
    if (datagram[3] !== DatagramType.version) this.#options.send(header(DatagramType.version), peer)
  }

  /** `stillThere` tells whether a session that was opened before is alive. @throws {MalformedDatagram} */
  join(datagram: Buffer, peer: Peer, stillThere: (session: Buffer) => boolean): void {
    const nonce = nonceOf(datagram)
    const cookie = datagram.subarray(headerBytes + nonceBytes, joinPrefixBytes)
    if (datagram.length <= joinPrefixBytes) return
    const nowMs = this.#options.clock.monotonic()
    if (!this.#cookies.accepts(cookie, peer, nonce, nowMs)) {
      // Out of date, if it is not forged. A challenge is less than three times as long as the shortest join.
      this.#challenge(nonce, peer)
      return
    }
    const known = this.#answered.get(cookie.toString('latin1'))
    if (known !== undefined) {
      if (stillThere(known.session)) this.#options.send(known.welcome, peer)
      return
    }
    const prefix = datagram.subarray(0, joinPrefixBytes)
    const body = this.#makeSeal('join', nonce, cookie).open(prefix, 0, datagram.subarray(joinPrefixBytes))
    const welcome = body === undefined ? 'wrong-key' : this.#options.admit(decodeJoin(body), peer)
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
    const { clock, salt, makeSeal } = this.#options
    const cookie = this.#cookies.bake(peer, nonce, clock.monotonic())
    this.#options.send(encodeChallenge({ nonce, cookie, salt, keyed: makeSeal !== undefined }), peer)
  }

  #refuse(nonce: Buffer, peer: Peer, reason: JoinRefusal): void {
    this.#options.onRefused(peer, reason)
    this.#options.send(encodeRefused({ nonce, reason, room: this.#options.room }), peer)
  }

  /** The key is this handshake's own and `random` is fresh, so no nonce is used twice even if a join were answered twice. */
  #sealWelcome(nonce: Buffer, cookie: Buffer, welcome: Welcome): Buffer {
    const random = this.#options.random(ivBytes)
    const prefix = new ByteWriter().bytes(header(DatagramType.welcome)).bytes(nonce).bytes(random).finish()
    const seal = this.#makeSeal('welcome', nonce, cookie, random)
    return Buffer.concat([prefix, seal.close(prefix, 0, encodeWelcome(welcome))])
  }

  #remember(key: string, answered: Answered): void {
    const nowMs = this.#options.clock.monotonic()
    for (const [old, { untilMs }] of this.#answered) {
      if (untilMs > nowMs && this.#answered.size < answeredCount) break
      this.#answered.delete(old)
    }
    this.#answered.set(key, answered)
  }
}

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
