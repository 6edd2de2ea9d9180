import type { Timer } from '../base/clock.ts'
import { ivBytes, type MakeSeal, noSeals } from './aead.ts'
import {
  type Challenge,
  decodeChallenge,
  decodeRefused,
  decodeWelcome,
  encodeJoin,
  encodeQuestion,
  joinPrefix,
  nonceBytes,
  nonceOf,
  type Welcome,
} from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { MemberEnd, MemberOptions, MemberPorts } from './member-interface.ts'
import { DatagramType, headerBytes, sessionBytes } from './packet.ts'
import { RoundTrip } from './rtt.ts'
import { copiesOf, copyGapMs } from './tries.ts'

interface Outcome {
  readonly entered: (welcome: Welcome, challenge: Challenge, makeSeal: MakeSeal) => void
  readonly failed: (end: MemberEnd) => void
}

/** Once through the relay's door: hello, challenge, join, welcome. Each question is asked at most five times. */
export class MemberDoor {
  readonly #options: MemberOptions
  readonly #ports: MemberPorts
  readonly #previous: Buffer
  readonly #outcome: Outcome
  readonly #nonce: Buffer
  readonly #roundTrip = new RoundTrip()
  #challenge: Challenge | undefined
  #makeSeal: MakeSeal = noSeals
  #timer: Timer | undefined
  #done = false

  /** `previous`: the session to go on with, when there was one. */
  constructor(options: MemberOptions, ports: MemberPorts, previous: Buffer | undefined, outcome: Outcome) {
    this.#options = options
    this.#ports = ports
    this.#previous = previous ?? Buffer.alloc(sessionBytes)
    this.#outcome = outcome
    this.#nonce = ports.random(nonceBytes)
  }

  knock(): void {
    this.#ask(encodeQuestion(DatagramType.hello, this.#nonce), 1)
  }

  close(): void {
    this.#done = true
    this.#timer?.cancel()
  }

  /** @throws {MalformedDatagram} */
  receive(type: DatagramType, datagram: Buffer): void {
    if (this.#done || !nonceOf(datagram).equals(this.#nonce)) return
    if (type === DatagramType.challenge) this.#answer(decodeChallenge(datagram))
    else if (type === DatagramType.welcome) this.#enter(datagram)
    else if (type === DatagramType.refused && this.#challenge !== undefined) {
      const { reason, room } = decodeRefused(datagram)
      this.#fail({ type: 'refused', reason, room })
    }
  }

  otherVersion(version: number): void {
    if (this.#challenge === undefined) this.#fail({ type: 'version', version })
  }

  #answer(challenge: Challenge): void {
    if (this.#challenge?.cookie.equals(challenge.cookie)) return
    const first = this.#challenge === undefined
    // A later challenge replaces a cookie that went out of date; the salt of a relay that runs stays the same.
    if (!first && this.#challenge?.salt.equals(challenge.salt) !== true) return
    const { deriveSeals } = this.#ports
    if (challenge.keyed !== (deriveSeals !== undefined)) {
      this.#fail({ type: 'refused', reason: challenge.keyed ? 'key-needed' : 'no-key-here', room: '' })
      return
    }
    this.#challenge = copied(challenge)
    this.#timer?.cancel()
    if (deriveSeals === undefined || !first) this.#join()
    else
      deriveSeals(this.#challenge.salt, (makeSeal) => {
        this.#makeSeal = makeSeal
        if (!this.#done) this.#join()
      })
  }

  #join(): void {
    if (this.#challenge === undefined) return
    const { nonce, cookie } = this.#challenge
    const prefix = joinPrefix(this.#challenge)
    const body = encodeJoin({ previous: this.#previous, ...this.#options })
    // One join for each cookie, sent again as it is: its key is drawn from the cookie, so its nonce is used once.
    this.#ask(Buffer.concat([prefix, this.#makeSeal('join', nonce, cookie).close(prefix, 0, body)]), 1)
  }

  #enter(datagram: Buffer): void {
    if (this.#challenge === undefined) return
    const start = headerBytes + nonceBytes + ivBytes
    const prefix = datagram.subarray(0, start)
    const { nonce, cookie } = this.#challenge
    const seal = this.#makeSeal('welcome', nonce, cookie, datagram.subarray(headerBytes + nonceBytes, start))
    const body = seal.open(prefix, 0, datagram.subarray(start))
    if (body === undefined) return
    const welcome = decodeWelcome(body)
    this.close()
    this.#outcome.entered({ ...welcome, session: Buffer.from(welcome.session) }, this.#challenge, this.#makeSeal)
  }

  #ask(question: Buffer, tries: number): void {
    if (this.#done) return
    if (tries > datagramLimits.tries) {
      this.#fail({ type: 'no-answer' })
      return
    }
    this.#ports.send(question)
    // From the second try on one copy more than of a message: nothing else brings the answer if it is lost.
    const extra = tries === 1 ? 0 : copiesOf(tries)
    for (let copy = 1; copy <= extra; copy += 1) {
      this.#ports.clock.after(copy * copyGapMs, () => this.#done || this.#ports.send(question))
    }
    this.#timer = this.#ports.clock.after(this.#roundTrip.timeoutMs(tries), () => this.#ask(question, tries + 1))
  }

  #fail(end: MemberEnd): void {
    this.close()
    this.#outcome.failed(end)
  }
}

/** The datagram's memory is the socket's; what is kept has to be copied. */
function copied(challenge: Challenge): Challenge {
  const { nonce, cookie, salt, keyed } = challenge
  return { nonce: Buffer.from(nonce), cookie: Buffer.from(cookie), salt: Buffer.from(salt), keyed }
}
