import { type FieldReader, MalformedDatagram } from './fields.ts'

/** Why a relay refuses a join. On the wire a reason is its position in the list, from 1. */
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

/** Why a relay refuses a message. */
const messageRefusals = ['empty', 'too-long', 'not-text', 'bad-fragments'] as const
export type MessageRefusal = (typeof messageRefusals)[number]

/** Why a member is no longer in the room. */
const leaveReasons = ['left', 'silent', 'kicked', 'stopping'] as const
export type LeaveReason = (typeof leaveReasons)[number]

export function joinRefusalNumber(reason: JoinRefusal): number {
  return joinRefusals.indexOf(reason) + 1
}

export function messageRefusalNumber(reason: MessageRefusal): number {
  return messageRefusals.indexOf(reason) + 1
}

export function leaveReasonNumber(reason: LeaveReason): number {
  return leaveReasons.indexOf(reason) + 1
}

/** @throws {MalformedDatagram} */
export function readJoinRefusal(reader: FieldReader): JoinRefusal {
  return word(joinRefusals, reader)
}

/** @throws {MalformedDatagram} */
export function readMessageRefusal(reader: FieldReader): MessageRefusal {
  return word(messageRefusals, reader)
}

/** @throws {MalformedDatagram} */
export function readLeaveReason(reader: FieldReader): LeaveReason {
  return word(leaveReasons, reader)
}

function word<T>(words: readonly T[], reader: FieldReader): T {
  const found = words[reader.number(1) - 1]
  if (found === undefined) throw new MalformedDatagram('unknown reason')
  return found
}
