import { NetlabError, NetworkError, ProtocolError } from '../../base/errors.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import { printable } from '../../base/visible.ts'
import type { MemberEnd } from '../../datagram-chat/member-event.ts'
import type { JoinRefusal } from '../../datagram-chat/refusal.ts'

/** The relay, or its room, said no. */
class RefusedError extends NetlabError {
  constructor(message: string, hint?: string) {
    super('REFUSED', ExitCode.negative, message, hint === undefined ? {} : { hint })
  }
}

const refusals: Readonly<Record<JoinRefusal, readonly [message: string, hint?: string]>> = {
  'name-taken': [
    'somebody in the room has that name',
    'choose another; your own is free again a minute after a lost line',
  ],
  'name-invalid': [
    'the relay does not take that name',
    'letters and digits, then also ".", "_" or "-", at most 32 bytes',
  ],
  'room-full': ['the room is full', 'try again later'],
  'wrong-room': ['the relay has another room'],
  'key-needed': ['the room has a key', 'ask its members for the phrase and join with --room-key'],
  'wrong-key': ['the room key is wrong', 'ask the members for the phrase; capitals and spaces count'],
  'no-key-here': [
    'the room has no key, so what you say would not be encrypted',
    'join without --room-key if that is all right',
  ],
  stopping: ['the relay is stopping', 'try again later'],
  'address-full': [
    'the relay takes no more members from your address',
    'its operator may raise --max-members-per-address',
  ],
}

/** Whether another name could help. */
export function isAboutName(end: MemberEnd): boolean {
  return end.type === 'refused' && (end.reason === 'name-taken' || end.reason === 'name-invalid')
}

/** The error that tells why a member is not, or no longer, in the room; undefined when that is what was wanted. */
export function endError(end: MemberEnd): NetlabError | undefined {
  switch (end.type) {
    case 'bye':
      if (end.reason === 'kicked') return new RefusedError('the operator put you out of the room')
      return end.reason === 'stopping' ? new NetworkError('ENDED', 'the relay has stopped') : undefined
    case 'no-answer':
      return new NetworkError('ETIMEDOUT', 'the relay does not answer', {
        hint: 'is it running there, and does a firewall let UDP through? netlab chat-udp --serve starts one',
      })
    case 'version':
      return new ProtocolError(
        'VERSION',
        `the relay speaks version ${end.version} of the protocol, and this is version 1`,
        {
          hint: 'use the same netlab on both sides',
        },
      )
    case 'refused': {
      const [message, hint] = refusals[end.reason]
      const room = end.reason === 'wrong-room' ? `: #${printable(end.room)}` : ''
      return new RefusedError(`${message}${room}`, hint)
    }
  }
}
