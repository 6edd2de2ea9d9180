import type { Timer } from '../base/clock.ts'
import { type KeySchedule, nullKeySchedule } from './aead.ts'
import {
  type Challenge,
  decodeChallenge,
  decodeRefused,
  decodeWelcome,
  encodeJoinRequest,
  encodeRequest,
  joinPrefix,
  nonceBytes,
  nonceOf,
  type WelcomeMessage,
  welcomeRandomBytes,
} from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { MemberDeps, MemberEnd, MemberOptions } from './member-interface.ts'
import { DatagramType, headerBytes, sessionBytes } from './packet.ts'
import { copiesAt, RetransmissionTimeout } from './retransmission.ts'

interface HandshakeHandlers {
  readonly joined: (welcome: WelcomeMessage, challenge: Challenge, keySchedule: KeySchedule) => void
  readonly failed: (end: MemberEnd) => void
}

/** The member's side of one handshake: hello, challenge, join, welcome. */
export class MemberHandshake {
  readonly #options: MemberOptions
  readonly #deps: MemberDeps
  readonly #previous: Buffer
  readonly #helloAttempts: number
  readonly #handlers: HandshakeHandlers
  readonly #nonce: Buffer
  readonly #timeout = new RetransmissionTimeout()
  #challenge: Challenge | undefined
  #keySchedule: KeySchedule = nullKeySchedule
  #timer: Timer | undefined
  #done = false

  /** `previous`: the session to resume, when there was one; then the hello is sent less often, since it is tried again. */
  constructor(options: MemberOptions, deps: MemberDeps, previous: Buffer | undefined, handlers: HandshakeHandlers) {
    const { attempts, rejoinAttempts } = datagramLimits
    this.#options = options
    this.#deps = deps
    this.#previous = previous ?? Buffer.alloc(sessionBytes)
    this.#helloAttempts = previous === undefined ? attempts : rejoinAttempts
    this.#handlers = handlers
    this.#nonce = deps.random(nonceBytes)
  }

  start(): void {
    this.#request(encodeRequest(DatagramType.hello, this.#nonce), 1)
  }

  close(): void {
    this.#done = true
    this.#timer?.cancel()
  }

  /** @throws {MalformedDatagram} */
  receive(type: DatagramType, datagram: Buffer): void {
    if (this.#done || !nonceOf(datagram).equals(this.#nonce)) return
    if (type === DatagramType.challenge) this.#challenged(decodeChallenge(datagram))
    else if (type === DatagramType.welcome) this.#welcomed(datagram)
    else if (type === DatagramType.refused && this.#challenge !== undefined) {
      const { reason, room } = decodeRefused(datagram)
      this.#fail({ type: 'refused', reason, room })
    }
  }

  /** The relay speaks another version of the protocol. */
  otherVersion(version: number): void {
    if (this.#challenge === undefined) this.#fail({ type: 'version', version })
  }

  #challenged(challenge: Challenge): void {
    if (this.#challenge?.cookie.equals(challenge.cookie)) return
    const first = this.#challenge === undefined
    // A later challenge replaces an expired cookie; the salt of a running relay stays the same.
    if (!first && this.#challenge?.salt.equals(challenge.salt) !== true) return
    const { deriveKeys } = this.#deps
    if (challenge.keyed !== (deriveKeys !== undefined)) {
      this.#fail({ type: 'refused', reason: challenge.keyed ? 'key-needed' : 'no-key-here', room: '' })
      return
    }
    this.#challenge = copied(challenge)
    this.#timer?.cancel()
    if (deriveKeys === undefined || !first) this.#join()
    else
      deriveKeys(this.#challenge.salt, (keySchedule) => {
        this.#keySchedule = keySchedule
        if (!this.#done) this.#join()
      })
  }

  #join(): void {
    if (this.#challenge === undefined) return
    const { nonce, cookie } = this.#challenge
    const prefix = joinPrefix(this.#challenge)
    const body = encodeJoinRequest({ previous: this.#previous, ...this.#options })
    // One join for each cookie, sent again as it is: its key is derived from the cookie, so its nonce is used once.
    this.#request(Buffer.concat([prefix, this.#keySchedule('join', nonce, cookie).seal(prefix, 0, body)]), 1)
  }

  #welcomed(datagram: Buffer): void {
    if (this.#challenge === undefined) return
    const bodyStart = headerBytes + nonceBytes + welcomeRandomBytes
    const prefix = datagram.subarray(0, bodyStart)
    const { nonce, cookie } = this.#challenge
    const aead = this.#keySchedule('welcome', nonce, cookie, prefix.subarray(headerBytes + nonceBytes))
    const body = aead.open(prefix, 0, datagram.subarray(bodyStart))
    if (body === undefined) return
    const welcome = decodeWelcome(body)
    this.close()
    this.#handlers.joined({ ...welcome, session: Buffer.from(welcome.session) }, this.#challenge, this.#keySchedule)
  }

  #request(datagram: Buffer, attempt: number): void {
    if (this.#done) return
    if (attempt > (this.#challenge === undefined ? this.#helloAttempts : datagramLimits.attempts)) {
      this.#fail({ type: 'no-answer' })
      return
    }
    const { clock, send } = this.#deps
    send(datagram)
    // From the second attempt on one copy more than of a fragment: nothing else brings the answer if it is lost.
    const extra = attempt === 1 ? 0 : copiesAt(attempt)
    for (let copy = 1; copy <= extra; copy += 1) {
      clock.after(copy * datagramLimits.copyGapMs, () => this.#done || send(datagram))
    }
    this.#timer = clock.after(this.#timeout.afterMs(attempt), () => this.#request(datagram, attempt + 1))
  }

  #fail(end: MemberEnd): void {
    this.close()
    this.#handlers.failed(end)
  }
}

/** The datagram's memory is the socket's, so what is kept has to be copied. */
function copied(challenge: Challenge): Challenge {
  const { nonce, cookie, salt, keyed } = challenge
  return { nonce: Buffer.from(nonce), cookie: Buffer.from(cookie), salt: Buffer.from(salt), keyed }
}
