import { type ByteReader, MalformedDatagram } from './fields.ts'

/** Why a relay does not let somebody in. The number on the wire is the position, from 1. */
const joinRefusals = [
  'name-taken',
  'name-invalid',
  'room-full',
  'wrong-room',
  'key-needed',
  'wrong-key',
  'no-key-here',
  'stopping',
  'address-full',
] as const
export type JoinRefusal = (typeof joinRefusals)[number]

/** Why a relay does not put a message before the room. */
const textRefusals = ['empty', 'too-long', 'not-text', 'bad-parts'] as const
export type TextRefusal = (typeof textRefusals)[number]

/** Why a member is no longer in the room. */
const leaveReasons = ['left', 'silent', 'kicked', 'stopping'] as const
export type LeaveReason = (typeof leaveReasons)[number]

export function joinRefusalNumber(reason: JoinRefusal): number {
  return joinRefusals.indexOf(reason) + 1
}

export function textRefusalNumber(reason: TextRefusal): number {
  return textRefusals.indexOf(reason) + 1
}

export function leaveReasonNumber(reason: LeaveReason): number {
  return leaveReasons.indexOf(reason) + 1
}

/** @throws {MalformedDatagram} */
export function readJoinRefusal(reader: ByteReader): JoinRefusal {
  return word(joinRefusals, reader)
}

/** @throws {MalformedDatagram} */
export function readTextRefusal(reader: ByteReader): TextRefusal {
  return word(textRefusals, reader)
}

/** @throws {MalformedDatagram} */
export function readLeaveReason(reader: ByteReader): LeaveReason {
  return word(leaveReasons, reader)
}

function word<T>(words: readonly T[], reader: ByteReader): T {
  const found = words[reader.number(1) - 1]
  if (found === undefined) throw new MalformedDatagram('unknown reason')
  return found
}
