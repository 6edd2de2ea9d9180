import { tagBytes } from './aead.ts'
import { ByteReader, ByteWriter, MalformedDatagram } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { decodeEntry, type Entry } from './log-record.ts'
import { envelopeBytes } from './packet.ts'
import { readTextRefusal, type TextRefusal, textRefusalNumber } from './reasons.ts'

/** What fits between envelope and tag. */
export const maxBodyBytes = datagramLimits.bytes - envelopeBytes - tagBytes

/** One part of a message on its way to the relay. Parts are numbered through the whole session, from 1. */
export interface Part {
  readonly part: number
  readonly acted: boolean
  readonly index: number
  readonly count: number
  readonly bytes: Buffer
}

/** What a member tells the relay with every datagram. */
export interface Progress {
  /** The oldest part that the member still wants to see taken; older ones that never came are given up. */
  readonly lowestPart: number
  /** Everything up to here in the room's order has arrived. */
  readonly seen: number
}

export interface Say extends Progress {
  readonly parts: readonly Part[]
}

/** A gap: `count` entries from `from` on. */
export interface Gap {
  readonly from: number
  readonly count: number
}

export interface Seen extends Progress {
  /** Comes back in the acknowledgement; 0 asks for none. */
  readonly stamp: number
  readonly gaps: readonly Gap[]
}

export interface Ack {
  /** All parts up to here are in the room's order, or were refused, or given up. */
  readonly taken: number
  /** Bit i: part `taken + 1 + i` has come and waits its turn. */
  readonly held: number
  /** The newest place in the room's order. */
  readonly head: number
  readonly stamp: number
  readonly refusals: readonly { readonly part: number; readonly reason: TextRefusal }[]
}

/** Names of members whose id is above `after`, in order of their ids. */
export interface Names {
  readonly after: number
  readonly total: number
  /** The id to ask on from; 0 when these were the last. */
  readonly next: number
  readonly names: readonly string[]
}

/** Bytes that a part takes in a `say`. */
export function partBytes(part: Part): number {
  return 9 + part.bytes.length
}

export const sayPrefixBytes = 10

export function encodeSay(say: Say): Buffer {
  const writer = new ByteWriter(maxBodyBytes).number(say.lowestPart, 4).number(say.seen, 6)
  for (const { part, acted, index, count, bytes } of say.parts) {
    writer
      .number(part, 4)
      .number(acted ? 1 : 0, 1)
      .number(index, 1)
      .number(count, 1)
      .number(bytes.length, 2)
      .bytes(bytes)
  }
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeSay(body: Buffer): Say {
  const reader = new ByteReader(body)
  const progress = { lowestPart: reader.number(4), seen: reader.number(6) }
  const parts: Part[] = []
  while (reader.left > 0) {
    const part = {
      part: reader.number(4),
      acted: reader.number(1) === 1,
      index: reader.number(1),
      count: reader.number(1),
    }
    parts.push({ ...part, bytes: reader.bytes(reader.number(2)) })
  }
  return { ...progress, parts }
}

export const maxGaps = 32

export function encodeSeen(seen: Seen): Buffer {
  const writer = new ByteWriter(maxBodyBytes).number(seen.lowestPart, 4).number(seen.seen, 6).number(seen.stamp, 4)
  for (const gap of seen.gaps.slice(0, maxGaps)) writer.number(gap.from, 6).number(gap.count, 2)
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeSeen(body: Buffer): Seen {
  const reader = new ByteReader(body)
  const progress = { lowestPart: reader.number(4), seen: reader.number(6), stamp: reader.number(4) }
  const gaps: Gap[] = []
  while (reader.left > 0) {
    if (gaps.length === maxGaps) throw new MalformedDatagram('too many gaps')
    gaps.push({ from: reader.number(6), count: reader.number(2) })
  }
  return { ...progress, gaps }
}

export function encodeAck(ack: Ack): Buffer {
  const writer = new ByteWriter(maxBodyBytes).number(ack.taken, 4).number(ack.held, 2).number(ack.head, 6)
  writer.number(ack.stamp, 4)
  for (const { part, reason } of ack.refusals) writer.number(part, 4).number(textRefusalNumber(reason), 1)
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeAck(body: Buffer): Ack {
  const reader = new ByteReader(body)
  const ack = { taken: reader.number(4), held: reader.number(2), head: reader.number(6), stamp: reader.number(4) }
  const refusals: { part: number; reason: TextRefusal }[] = []
  while (reader.left > 0) refusals.push({ part: reader.number(4), reason: readTextRefusal(reader) })
  return { ...ack, refusals }
}

export interface RoomPiece {
  readonly first: number
  readonly entries: readonly Entry[]
}

/** Entries that follow each other in the room's order, from `first` on. @throws {MalformedDatagram} */
export function decodeRoomPiece(body: Buffer): RoomPiece {
  const reader = new ByteReader(body)
  const first = reader.number(6)
  const entries: Entry[] = []
  while (reader.left > 0) entries.push(decodeEntry(reader))
  return { first, entries }
}

export function encodeNames(names: Names): Buffer {
  const writer = new ByteWriter(maxBodyBytes).number(names.after, 4).number(names.total, 2).number(names.next, 4)
  for (const name of names.names) writer.shortText(name)
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeNames(body: Buffer): Names {
  const reader = new ByteReader(body)
  const place = { after: reader.number(4), total: reader.number(2), next: reader.number(4) }
  const names: string[] = []
  while (reader.left > 0) names.push(reader.shortText())
  return { ...place, names }
}
