import { FieldReader, FieldWriter, MalformedDatagram } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { type LeaveReason, leaveReasonNumber, readLeaveReason } from './reasons.ts'

/** One fragment of a message. The fragments of a message follow each other in the log. */
export interface FragmentRecord {
  readonly kind: 'fragment'
  /** Said about oneself (`/me`). */
  readonly action: boolean
  readonly member: number
  /** The author's number of this fragment: one's own record is the acknowledgement that cannot get lost. */
  readonly fragmentNumber: number
  /** Milliseconds since the Unix epoch, by the relay's clock. */
  readonly at: number
  readonly index: number
  readonly count: number
  readonly name: string
  readonly bytes: Buffer
}

export interface JoinedRecord {
  readonly kind: 'joined'
  readonly member: number
  readonly at: number
  readonly name: string
}

export interface LeftRecord {
  readonly kind: 'left'
  readonly member: number
  readonly at: number
  readonly name: string
  readonly reason: LeaveReason
}

/** The relay's operator to everybody. */
export interface NoticeRecord {
  readonly kind: 'notice'
  readonly at: number
  readonly bytes: Buffer
}

/** Stands for `count` records that the relay no longer has, or does not show to this member. */
export interface SkipRecord {
  readonly kind: 'skip'
  readonly count: number
}

/** One record of the room's log, which is the same for everybody. */
export type LogRecord = FragmentRecord | JoinedRecord | LeftRecord | NoticeRecord | SkipRecord

const kinds = { said: 1, action: 2, joined: 3, left: 4, notice: 5, skip: 6 } as const

/** Kind and length (3 bytes), then the fields. */
export function encodeRecord(record: LogRecord): Buffer {
  const writer = new FieldWriter()
  switch (record.kind) {
    case 'fragment':
      writer.number(record.member, 4).number(record.fragmentNumber, 4).number(record.at, 6)
      writer.number(record.index, 1).number(record.count, 1).shortText(record.name).bytes(record.bytes)
      return framed(record.action ? kinds.action : kinds.said, writer.finish())
    case 'joined':
      writer.number(record.member, 4).number(record.at, 6).shortText(record.name)
      return framed(kinds.joined, writer.finish())
    case 'left':
      writer.number(record.member, 4).number(record.at, 6).shortText(record.name)
      return framed(kinds.left, writer.number(leaveReasonNumber(record.reason), 1).finish())
    case 'notice':
      return framed(kinds.notice, writer.number(record.at, 6).bytes(record.bytes).finish())
    case 'skip':
      return framed(kinds.skip, writer.number(record.count, 6).finish())
  }
}

function framed(kind: number, fields: Buffer): Buffer {
  return new FieldWriter().number(kind, 1).number(fields.length, 2).bytes(fields).finish()
}

/** @throws {MalformedDatagram} */
export function decodeRecord(reader: FieldReader): LogRecord {
  const kind = reader.number(1)
  const fields = new FieldReader(reader.bytes(reader.number(2)))
  switch (kind) {
    case kinds.said:
    case kinds.action:
      return decodeFragment(kind === kinds.action, fields)
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
      throw new MalformedDatagram('unknown record')
  }
}

function decodeFragment(action: boolean, fields: FieldReader): FragmentRecord {
  const numbers = { member: fields.number(4), fragmentNumber: fields.number(4), at: fields.number(6) }
  const place = { index: fields.number(1), count: fields.number(1), name: fields.shortText() }
  if (fields.left > datagramLimits.fragmentBytes) throw new MalformedDatagram('fragment too long')
  return { kind: 'fragment', action, ...numbers, ...place, bytes: fields.bytes(fields.left) }
}
