import { ExitCode, NetlabError, NetworkError, ProtocolError } from '../../base/errors.ts'
import type { MemberEnd, MemberEvent, MemberStats } from '../../datagram-chat/member-interface.ts'
import type { JoinRefusal, LeaveReason, MessageRefusal } from '../../datagram-chat/reasons.ts'
import { formatTable } from '../../terminal/format.ts'
import { textLimits } from '../../text/limits.ts'
import { harmless, localTime, nameInSentence, saidLine, shownName } from '../../text/said.ts'

/** A line for a person: `room` is what happens in it and was asked for, `diagnostic` is about the chat itself. */
export interface ShownLine {
  readonly kind: 'room' | 'diagnostic'
  readonly text: string
}

const departures: Readonly<Record<LeaveReason, string>> = {
  left: 'left',
  silent: 'was silent for too long and is gone',
  kicked: 'was put out by the operator',
  stopping: 'left, since the relay stops',
}

const messageRefusals: Readonly<Record<MessageRefusal, string>> = {
  empty: 'it is empty',
  'too-long': 'it is longer than 4 KiB',
  'not-text': 'it is not UTF-8',
  'bad-fragments': 'its fragments do not fit together',
}

/** The line for an event, safe for a terminal; undefined for what is not shown as one. */
export function lineOf(event: MemberEvent): ShownLine | undefined {
  switch (event.type) {
    case 'said':
      return { kind: 'room', text: said(event) }
    case 'joined':
      return event.own
        ? undefined
        : { kind: 'diagnostic', text: `${localTime(event.at)} ${nameInSentence(harmless(event.name))} joined` }
    case 'left':
      return {
        kind: 'diagnostic',
        text: `${localTime(event.at)} ${nameInSentence(harmless(event.name))} ${departures[event.reason]}`,
      }
    case 'notice':
      return { kind: 'room', text: `${localTime(event.at)} -operator- ${harmless(event.text)}` }
    case 'entered':
      return diagnostic(entered(event))
    case 'missed':
      return diagnostic(
        `${event.count} ${event.count === 1 ? 'line was' : 'lines were'} missed and can no longer be had`,
      )
    case 'unconfirmed':
      return diagnostic(`not acknowledged, so it may not have arrived: ${shortened(event.text)}`)
    case 'message-refused':
      return diagnostic(
        `the relay did not take ${shortened(event.text ?? 'a message')}: ${messageRefusals[event.reason]}`,
      )
    case 'names':
      return {
        kind: 'room',
        text: `${event.names.length} here: ${event.names.map((name) => nameInSentence(harmless(name))).join(', ')}`,
      }
    case 'names-unknown':
      return diagnostic('the relay did not say who is here')
    case 'lost':
      return diagnostic('nothing is heard from the relay; trying to get back in')
    default:
      return undefined
  }
}

/** The answer to `/stats`. */
export function statsLines(stats: MemberStats): string {
  const { received, lost, duplicates, reordered, retransmitted, roundTripMs, variationMs } = stats
  const share = received + lost === 0 ? 0 : (100 * lost) / (received + lost)
  return formatTable([
    ['received', `${received} datagrams`],
    ['lost', `${lost} (${share.toFixed(1)} %)`],
    ['duplicates', String(duplicates)],
    ['reordered', String(reordered)],
    ['sent again', `${retransmitted} fragments of messages`],
    [
      'RTT',
      roundTripMs === undefined ? 'not yet known' : `${roundTripMs.toFixed(1)} ms ± ${variationMs.toFixed(1)} ms`,
    ],
  ])
}

function said({ at, name, text, action }: Extract<MemberEvent, { type: 'said' }>): string {
  const from = action ? nameInSentence(harmless(name)) : shownName(harmless(name))
  return saidLine({ time: localTime(at), from, text: harmless(text), action })
}

function entered({ room, name, members, again }: Extract<MemberEvent, { type: 'entered' }>): string {
  const others =
    members === 1 ? 'nobody else is here' : `${members - 1} ${members === 2 ? 'other is' : 'others are'} here`
  return `${again ? 'back' : 'you are'} in #${harmless(room)} as ${nameInSentence(harmless(name))}; ${others}`
}

function diagnostic(text: string): ShownLine {
  return { kind: 'diagnostic', text }
}

/** The beginning of a long message, enough for its author to recognise it. */
function shortened(text: string): string {
  const characters = [...harmless(text)]
  return characters.length > 60 ? `"${characters.slice(0, 60).join('')}…"` : `"${characters.join('')}"`
}

/** The relay refused the member, or put it out. */
class RefusedError extends NetlabError {
  constructor(message: string, hint?: string) {
    super('REFUSED', ExitCode.negative, message, hint === undefined ? {} : { hint })
  }
}

const joinRefusals: Readonly<Record<JoinRefusal, readonly [message: string, hint?: string]>> = {
  'name-taken': [
    'somebody in the room has that name',
    "choose another, that looks like no one else's; your own is free again a minute after a lost line",
  ],
  'name-invalid': [
    'the relay does not take that name',
    `at most ${textLimits.personNameCodePoints} letters of one script, digits and emoji, with single spaces and . _ - ' inside`,
  ],
  'room-full': ['the room is full', 'try again later'],
  'wrong-room': ['the relay has another room'],
  'key-needed': ['the room has a key', 'ask its members for the phrase and join with --room-key'],
  'wrong-key': ['the room key is wrong', 'ask the members for the phrase; capitals and spaces count'],
  'no-key-here': [
    'the room has no key, so what you say would not be encrypted',
    'its operator can start it anew with --room-key',
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
      const [message, hint] = joinRefusals[end.reason]
      const room = end.reason === 'wrong-room' ? `: #${harmless(end.room)}` : ''
      return new RefusedError(`${message}${room}`, hint)
    }
  }
}
