import { tagBytes } from './aead.ts'
import { FieldReader, FieldWriter, MalformedDatagram } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { decodeRecord, type LogRecord } from './log-record.ts'
import { packetHeaderBytes } from './packet.ts'
import { type MessageRefusal, messageRefusalNumber, readMessageRefusal } from './reasons.ts'

/** What fits between a packet's header and the AEAD's tag. */
export const maxBodyBytes = datagramLimits.bytes - packetHeaderBytes - tagBytes

/** One fragment of a message on its way to the relay. */
export interface Fragment {
  /** Fragments are numbered through the whole session, from 1. */
  readonly number: number
  /** Said about oneself (`/me`). */
  readonly action: boolean
  readonly index: number
  readonly count: number
  readonly bytes: Buffer
}

/** What a member tells the relay with all of its data and acknowledgements. */
export interface Progress {
  /** The oldest fragment that the member has not given up; the relay does not wait for older ones that never came (as RFC 3758 3.2). */
  readonly lowestFragment: number
  /** All records up to this sequence number have arrived. */
  readonly received: number
}

export interface DataMessage extends Progress {
  readonly fragments: readonly Fragment[]
}

/** Records that are missing: `count` from the sequence number `from` on. */
export interface Gap {
  readonly from: number
  readonly count: number
}

/** A member acknowledges records, and asks for those that are missing. */
export interface RecordAck extends Progress {
  /** The relay echoes it in an acknowledgement (as RFC 7323 does), which gives a round trip; 0 asks for none. */
  readonly timestamp: number
  readonly gaps: readonly Gap[]
}

/** The relay acknowledges fragments. */
export interface DataAck {
  /** All fragments up to this number are in the log, were refused, or given up. */
  readonly accepted: number
  /** Selective acknowledgement. Bit i: fragment `accepted + 1 + i` has come and waits for the rate limit. */
  readonly held: number
  /** The newest sequence number of the log. */
  readonly head: number
  /** The member's own, echoed; 0 for none. */
  readonly timestamp: number
  readonly refusals: readonly { readonly fragment: number; readonly reason: MessageRefusal }[]
}

/** Names of members whose id is above `after`, in order of their ids. */
export interface NamesPage {
  readonly after: number
  readonly total: number
  /** The id to ask on from; 0 when these were the last. */
  readonly next: number
  readonly names: readonly string[]
}

/** Bytes that a fragment takes in a `data` body, and what comes before the first. */
export function encodedBytes(fragment: Fragment): number {
  return 9 + fragment.bytes.length
}

export const dataPrefixBytes = 10

export function encodeData(data: DataMessage): Buffer {
  const writer = new FieldWriter(maxBodyBytes).number(data.lowestFragment, 4).number(data.received, 6)
  for (const { number, action, index, count, bytes } of data.fragments) {
    writer
      .number(number, 4)
      .number(action ? 1 : 0, 1)
      .number(index, 1)
      .number(count, 1)
      .number(bytes.length, 2)
      .bytes(bytes)
  }
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeData(body: Buffer): DataMessage {
  const reader = new FieldReader(body)
  const progress = { lowestFragment: reader.number(4), received: reader.number(6) }
  const fragments: Fragment[] = []
  while (reader.left > 0) {
    const fragment = {
      number: reader.number(4),
      action: reader.number(1) === 1,
      index: reader.number(1),
      count: reader.number(1),
    }
    fragments.push({ ...fragment, bytes: reader.bytes(reader.number(2)) })
  }
  return { ...progress, fragments }
}

/** Gaps that one acknowledgement has room for, as the format has it. */
export const maxGaps = 32

export function encodeRecordAck(ack: RecordAck): Buffer {
  const writer = new FieldWriter(maxBodyBytes)
    .number(ack.lowestFragment, 4)
    .number(ack.received, 6)
    .number(ack.timestamp, 4)
  for (const gap of ack.gaps.slice(0, maxGaps)) writer.number(gap.from, 6).number(gap.count, 2)
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeRecordAck(body: Buffer): RecordAck {
  const reader = new FieldReader(body)
  const progress = { lowestFragment: reader.number(4), received: reader.number(6), timestamp: reader.number(4) }
  const gaps: Gap[] = []
  while (reader.left > 0) {
    if (gaps.length === maxGaps) throw new MalformedDatagram('too many gaps')
    gaps.push({ from: reader.number(6), count: reader.number(2) })
  }
  return { ...progress, gaps }
}

export function encodeDataAck(ack: DataAck): Buffer {
  const writer = new FieldWriter(maxBodyBytes).number(ack.accepted, 4).number(ack.held, 2).number(ack.head, 6)
  writer.number(ack.timestamp, 4)
  for (const { fragment, reason } of ack.refusals) writer.number(fragment, 4).number(messageRefusalNumber(reason), 1)
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeDataAck(body: Buffer): DataAck {
  const reader = new FieldReader(body)
  const ack = {
    accepted: reader.number(4),
    held: reader.number(2),
    head: reader.number(6),
    timestamp: reader.number(4),
  }
  const refusals: { fragment: number; reason: MessageRefusal }[] = []
  while (reader.left > 0) refusals.push({ fragment: reader.number(4), reason: readMessageRefusal(reader) })
  return { ...ack, refusals }
}

/** The body of a `broadcast` or `retransmit`: records that follow each other in the log. */
export interface RecordPage {
  /** Sequence number of the first. */
  readonly first: number
  readonly records: readonly LogRecord[]
}

/** @throws {MalformedDatagram} */
export function decodeRecordPage(body: Buffer): RecordPage {
  const reader = new FieldReader(body)
  const first = reader.number(6)
  const records: LogRecord[] = []
  while (reader.left > 0) records.push(decodeRecord(reader))
  return { first, records }
}

/** Bytes before the first name. */
export const namesPrefixBytes = 10

export function encodeNames(names: NamesPage): Buffer {
  const writer = new FieldWriter(maxBodyBytes).number(names.after, 4).number(names.total, 2).number(names.next, 4)
  for (const name of names.names) writer.shortText(name)
  return writer.finish()
}

/** @throws {MalformedDatagram} */
export function decodeNames(body: Buffer): NamesPage {
  const reader = new FieldReader(body)
  const place = { after: reader.number(4), total: reader.number(2), next: reader.number(4) }
  const names: string[] = []
  while (reader.left > 0) names.push(reader.shortText())
  return { ...place, names }
}
