import { ByteReader, ByteWriter, MalformedDatagram } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { type LeaveReason, leaveReasonNumber, readLeaveReason } from './reasons.ts'

/** One part of something a member said. The parts of a message follow each other in the room's order. */
export interface PartEntry {
  readonly kind: 'part'
  /** Said about oneself (`/me`). */
  readonly acted: boolean
  readonly member: number
  /** The author's number of this part: seeing one's own is the acknowledgement that cannot get lost. */
  readonly part: number
  /** Milliseconds since the Unix epoch, by the relay's clock. */
  readonly at: number
  readonly index: number
  readonly count: number
  readonly name: string
  readonly bytes: Buffer
}

export interface JoinedEntry {
  readonly kind: 'joined'
  readonly member: number
  readonly at: number
  readonly name: string
}

export interface LeftEntry {
  readonly kind: 'left'
  readonly member: number
  readonly at: number
  readonly name: string
  readonly reason: LeaveReason
}

/** The relay's operator to everybody. */
export interface NoticeEntry {
  readonly kind: 'notice'
  readonly at: number
  readonly bytes: Buffer
}

/** Stands for `count` entries that the relay no longer has. */
export interface SkipEntry {
  readonly kind: 'skip'
  readonly count: number
}

/** One place in the room's order, which is the same for everybody. */
export type Entry = PartEntry | JoinedEntry | LeftEntry | NoticeEntry | SkipEntry

const kinds = { said: 1, acted: 2, joined: 3, left: 4, notice: 5, skip: 6 } as const

/** Kind and length (3 bytes), then the fields. */
export function encodeEntry(entry: Entry): Buffer {
  const writer = new ByteWriter()
  switch (entry.kind) {
    case 'part':
      writer.number(entry.member, 4).number(entry.part, 4).number(entry.at, 6)
      writer.number(entry.index, 1).number(entry.count, 1).shortText(entry.name).bytes(entry.bytes)
      return framed(entry.acted ? kinds.acted : kinds.said, writer.finish())
    case 'joined':
      writer.number(entry.member, 4).number(entry.at, 6).shortText(entry.name)
      return framed(kinds.joined, writer.finish())
    case 'left':
      writer.number(entry.member, 4).number(entry.at, 6).shortText(entry.name)
      return framed(kinds.left, writer.number(leaveReasonNumber(entry.reason), 1).finish())
    case 'notice':
      return framed(kinds.notice, writer.number(entry.at, 6).bytes(entry.bytes).finish())
    case 'skip':
      return framed(kinds.skip, writer.number(entry.count, 6).finish())
  }
}

function framed(kind: number, fields: Buffer): Buffer {
  return new ByteWriter().number(kind, 1).number(fields.length, 2).bytes(fields).finish()
}

/** @throws {MalformedDatagram} */
export function decodeEntry(reader: ByteReader): Entry {
  const kind = reader.number(1)
  const fields = new ByteReader(reader.bytes(reader.number(2)))
  switch (kind) {
    case kinds.said:
    case kinds.acted:
      return decodePart(kind === kinds.acted, fields)
    case kinds.joined:
      return { kind: 'joined', member: fields.number(4), at: fields.number(6), name: fields.shortText() }
    case kinds.left: {
      const common = { member: fields.number(4), at: fields.number(6), name: fields.shortText() }
      return { kind: 'left', ...common, reason: readLeaveReason(fields) }
    }
    case kinds.notice:
      return { kind: 'notice', at: fields.number(6), bytes: fields.bytes(fields.left) }
    case kinds.skip:
      return { kind: 'skip', count: fields.number(6) }
    default:
      throw new MalformedDatagram('unknown entry')
  }
}

function decodePart(acted: boolean, fields: ByteReader): PartEntry {
  const numbers = { member: fields.number(4), part: fields.number(4), at: fields.number(6) }
  const place = { index: fields.number(1), count: fields.number(1), name: fields.shortText() }
  if (fields.left > datagramLimits.partBytes) throw new MalformedDatagram('part too long')
  return { kind: 'part', acted, ...numbers, ...place, bytes: fields.bytes(fields.left) }
}
