import { ByteReader, ByteWriter } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, header, headerBytes, sessionBytes } from './packet.ts'
import { type JoinRefusal, joinRefusalNumber, readJoinRefusal } from './reasons.ts'

/** Datagrams before there is a session. What comes from an unproven address is padded so that no answer is longer than it. */
export const nonceBytes = 8
export const cookieBytes = 16
export const saltBytes = 16
export const relayIdBytes = 8
/** A hello or a find is exactly this long; shorter ones are not answered. */
export const questionBytes = 64

const keyedFlag = 1

export interface Challenge {
  readonly nonce: Buffer
  readonly cookie: Buffer
  /** Names this start of the relay, and salts the room key. */
  readonly salt: Buffer
  readonly keyed: boolean
}

export interface Join {
  /** Session to go on with, or zeros. */
  readonly previous: Buffer
  readonly name: string
  /** Empty: whichever room it is. */
  readonly room: string
}

export interface Welcome {
  readonly session: Buffer
  readonly member: number
  /** Order of this member's own `joined` entry. Whatever comes before it is history. */
  readonly joinedOrder: number
  /** Where this member's copy of the room begins. */
  readonly firstOrder: number
  readonly memberCount: number
  readonly name: string
  readonly room: string
}

export interface Here {
  readonly nonce: Buffer
  /** The first 8 bytes of the salt: tells whether two answers are from the same relay. */
  readonly relay: Buffer
  readonly port: number
  readonly memberCount: number
  readonly keyed: boolean
  readonly room: string
}

export function encodeQuestion(type: typeof DatagramType.hello | typeof DatagramType.find, nonce: Buffer): Buffer {
  return new ByteWriter(questionBytes).bytes(header(type)).bytes(nonce).zerosUpTo(questionBytes).finish()
}

/** The nonce that follows the header of every datagram of the handshake. @throws {MalformedDatagram} */
export function nonceOf(datagram: Buffer): Buffer {
  return bodyOf(datagram).bytes(nonceBytes)
}

export function encodeChallenge(challenge: Challenge): Buffer {
  const writer = new ByteWriter().bytes(header(DatagramType.challenge)).bytes(challenge.nonce).bytes(challenge.cookie)
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

/** What comes before the sealed part of a join: header, nonce, cookie. It is authenticated with it. */
export const joinPrefixBytes = headerBytes + nonceBytes + cookieBytes

export function joinPrefix(challenge: Challenge): Buffer {
  return Buffer.concat([header(DatagramType.join), challenge.nonce, challenge.cookie])
}

export function encodeJoin(join: Join): Buffer {
  return new ByteWriter().bytes(join.previous).shortText(join.name).shortText(join.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeJoin(body: Buffer): Join {
  const reader = new ByteReader(body)
  return { previous: reader.bytes(sessionBytes), name: reader.shortText(), room: reader.shortText() }
}

export function encodeWelcome(welcome: Welcome): Buffer {
  const writer = new ByteWriter().bytes(welcome.session).number(welcome.member, 4).number(welcome.joinedOrder, 6)
  writer.number(welcome.firstOrder, 6).number(welcome.memberCount, 2)
  return writer.shortText(welcome.name).shortText(welcome.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeWelcome(body: Buffer): Welcome {
  const reader = new ByteReader(body)
  return {
    session: reader.bytes(sessionBytes),
    member: reader.number(4),
    joinedOrder: reader.number(6),
    firstOrder: reader.number(6),
    memberCount: reader.number(2),
    name: reader.shortText(),
    room: reader.shortText(),
  }
}

export function encodeHere(here: Here): Buffer {
  const writer = new ByteWriter(questionBytes).bytes(header(DatagramType.here)).bytes(here.nonce)
  writer.bytes(here.relay).number(here.port, 2)
  writer.number(Math.min(here.memberCount, datagramLimits.maxMembers), 2).number(here.keyed ? keyedFlag : 0, 1)
  return writer.shortText(here.room).finish()
}

/** @throws {MalformedDatagram} */
export function decodeHere(datagram: Buffer): Here {
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
  /** What the relay has to say about it: the name of its room. */
  readonly room: string
}

export function encodeRefused(refused: Refused): Buffer {
  const writer = new ByteWriter().bytes(header(DatagramType.refused)).bytes(refused.nonce)
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

function bodyOf(datagram: Buffer): ByteReader {
  return new ByteReader(datagram.subarray(headerBytes))
}
