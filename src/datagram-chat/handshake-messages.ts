import { FieldReader, FieldWriter } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, header, headerBytes, sessionBytes } from './packet.ts'
import { type JoinRefusal, joinRefusalNumber, readJoinRefusal } from './reasons.ts'

/**
 * The datagrams before there is a session: the handshake and the search for relays. What comes from an address that is not validated is
 * padded, so that no answer is longer than it (RFC 9000 8.1 has the same rule).
 */
export const nonceBytes = 8
export const cookieBytes = 16
export const saltBytes = 16
/** Random bytes of a welcome, from which its key is derived. */
export const welcomeRandomBytes = 12
export const relayIdBytes = 8
/** A hello or a discover is exactly this long; shorter ones are not answered. An offer with the longest room's name has 122 bytes. */
export const requestBytes = 128

const keyedFlag = 1

/** The relay's answer to a hello; a cookie that comes back validates the address (as in RFC 9147 5.1). */
export interface Challenge {
  readonly nonce: Buffer
  readonly cookie: Buffer
  /** Names this start of the relay, and salts the room key. */
  readonly salt: Buffer
  readonly keyed: boolean
}

/** The body of a join. */
export interface JoinRequest {
  /** Session to resume, or zeros. */
  readonly previous: Buffer
  readonly name: string
  /** Empty: any room. */
  readonly room: string
}

/** The body of a welcome. */
export interface WelcomeMessage {
  readonly session: Buffer
  readonly member: number
  /** Sequence number of this member's own `joined` record. Whatever comes before it is history. */
  readonly joinedSequence: number
  /** Sequence number at which this member's copy of the log begins. */
  readonly firstSequence: number
  readonly memberCount: number
  readonly name: string
  readonly room: string
}

/** A relay's answer to whoever looks for one. */
export interface Offer {
  readonly nonce: Buffer
  /** The first 8 bytes of the salt: tells whether two answers are from the same relay. */
  readonly relay: Buffer
  readonly port: number
  readonly memberCount: number
  readonly keyed: boolean
  readonly room: string
}

export function encodeRequest(type: typeof DatagramType.hello | typeof DatagramType.discover, nonce: Buffer): Buffer {
  return new FieldWriter(requestBytes).bytes(header(type)).bytes(nonce).zerosUpTo(requestBytes).finish()
}

/** The nonce that follows the header of every datagram of the handshake. @throws {MalformedDatagram} */
export function nonceOf(datagram: Buffer): Buffer {
  return bodyOf(datagram).bytes(nonceBytes)
}

export function encodeChallenge(challenge: Challenge): Buffer {
  const writer = new FieldWriter().bytes(header(DatagramType.challenge)).bytes(challenge.nonce).bytes(challenge.cookie)
  return writer
    .bytes(challenge.salt)
    .number(challenge.keyed ? keyedFlag : 0, 1)
    .finish()
}

/** @throws {MalformedDatagram} */
export function decodeChallenge(datagram: Buffer): Challenge {
  const reader = bodyOf(datagram)
  const nonce = reader.bytes(nonceBytes)
  const cookie = reader.bytes(cookieBytes)
  return { nonce, cookie, salt: reader.bytes(saltBytes), keyed: (reader.number(1) & keyedFlag) !== 0 }
}

/** What comes before the sealed body of a join, and is its associated data: header, nonce, cookie. */
export const joinPrefixBytes = headerBytes + nonceBytes + cookieBytes

export function joinPrefix(challenge: Challenge): Buffer {
  return Buffer.concat([header(DatagramType.join), challenge.nonce, challenge.cookie])
}

export function encodeJoinRequest(join: JoinRequest): Buffer {
  return new FieldWriter().bytes(join.previous).shortText(join.name).shortText(join.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeJoinRequest(body: Buffer): JoinRequest {
  const reader = new FieldReader(body)
  return { previous: reader.bytes(sessionBytes), name: reader.shortText(), room: reader.shortText() }
}

export function encodeWelcome(welcome: WelcomeMessage): Buffer {
  const writer = new FieldWriter().bytes(welcome.session).number(welcome.member, 4).number(welcome.joinedSequence, 6)
  writer.number(welcome.firstSequence, 6).number(welcome.memberCount, 2)
  return writer.shortText(welcome.name).shortText(welcome.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeWelcome(body: Buffer): WelcomeMessage {
  const reader = new FieldReader(body)
  return {
    session: reader.bytes(sessionBytes),
    member: reader.number(4),
    joinedSequence: reader.number(6),
    firstSequence: reader.number(6),
    memberCount: reader.number(2),
    name: reader.shortText(),
    room: reader.shortText(),
  }
}

export function encodeOffer(offer: Offer): Buffer {
  const writer = new FieldWriter(requestBytes).bytes(header(DatagramType.offer)).bytes(offer.nonce)
  writer.bytes(offer.relay).number(offer.port, 2)
  writer.number(Math.min(offer.memberCount, datagramLimits.maxMembers), 2).number(offer.keyed ? keyedFlag : 0, 1)
  return writer.shortText(offer.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeOffer(datagram: Buffer): Offer {
  const reader = bodyOf(datagram)
  const nonce = reader.bytes(nonceBytes)
  const relay = reader.bytes(relayIdBytes)
  const port = reader.number(2)
  const memberCount = reader.number(2)
  return { nonce, relay, port, memberCount, keyed: (reader.number(1) & keyedFlag) !== 0, room: reader.shortText() }
}

export interface Refused {
  readonly nonce: Buffer
  readonly reason: JoinRefusal
  /** The room that this relay has. */
  readonly room: string
}

export function encodeRefused(refused: Refused): Buffer {
  const writer = new FieldWriter().bytes(header(DatagramType.refused)).bytes(refused.nonce)
  return writer.number(joinRefusalNumber(refused.reason), 1).shortText(refused.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeRefused(datagram: Buffer): Refused {
  const reader = bodyOf(datagram)
  return { nonce: reader.bytes(nonceBytes), reason: readJoinRefusal(reader), room: reader.shortText() }
}

export function encodeReset(session: Buffer): Buffer {
  return Buffer.concat([header(DatagramType.reset), session])
}

function bodyOf(datagram: Buffer): FieldReader {
  return new FieldReader(datagram.subarray(headerBytes))
}
