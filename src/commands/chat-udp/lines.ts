import { printable } from '../../base/visible.ts'
import type { MemberEvent } from '../../datagram-chat/member-event.ts'
import type { MemberStats } from '../../datagram-chat/member-stats.ts'
import type { LeaveReason, TextRefusal } from '../../datagram-chat/refusal.ts'
import { formatTable } from '../../terminal/format.ts'

/** A line for a person: `room` is what was said, `talk` is about the chat itself. */
export interface Line {
  readonly kind: 'room' | 'talk'
  readonly text: string
}

const leavings: Readonly<Record<LeaveReason, string>> = {
  left: 'left',
  silent: 'was silent for too long and is gone',
  kicked: 'was put out by the operator',
  stopping: 'left, since the relay stops',
}

const refusals: Readonly<Record<TextRefusal, string>> = {
  empty: 'it is empty',
  'too-long': 'it is longer than 4 KiB',
  'not-text': 'it is not UTF-8',
  'bad-parts': 'its parts do not fit together',
}

/** The line for an event, safe for a terminal; undefined for what is not shown as one. */
export function lineOf(event: MemberEvent): Line | undefined {
  switch (event.type) {
    case 'said':
      return { kind: 'room', text: said(event) }
    case 'joined':
      return event.own ? undefined : { kind: 'talk', text: `${time(event.at)} ${printable(event.name)} joined` }
    case 'left':
      return { kind: 'talk', text: `${time(event.at)} ${printable(event.name)} ${leavings[event.reason]}` }
    case 'notice':
      return { kind: 'room', text: `${time(event.at)} -operator- ${printable(event.text)}` }
    case 'entered':
      return talk(entered(event))
    case 'missed':
      return talk(`${event.count} ${event.count === 1 ? 'line was' : 'lines were'} missed and can no longer be had`)
    case 'unconfirmed':
      return talk(`not acknowledged after 5 tries, so it may not have arrived: ${shortened(event.text)}`)
    case 'not-taken':
      return talk(`the relay did not take ${shortened(event.text ?? 'a message')}: ${refusals[event.reason]}`)
    case 'names':
      return { kind: 'room', text: `${event.names.length} here: ${event.names.map(printable).join(', ')}` }
    case 'names-unknown':
      return talk('the relay did not say who is here')
    case 'lost':
      return talk('nothing is heard from the relay; trying to get back in')
    default:
      return undefined
  }
}

/** The answer to `/stats`. */
export function statsLines(stats: MemberStats): string {
  const { received, lost, duplicates, reordered, sentAgain, roundTripMs, variationMs } = stats
  const share = received + lost === 0 ? 0 : (100 * lost) / (received + lost)
  return formatTable([
    ['received', `${received} datagrams`],
    ['lost', `${lost} (${share.toFixed(1)} %)`],
    ['duplicates', String(duplicates)],
    ['reordered', String(reordered)],
    ['sent again', `${sentAgain} parts of messages`],
    [
      'RTT',
      roundTripMs === undefined ? 'not yet known' : `${roundTripMs.toFixed(1)} ms ± ${variationMs.toFixed(1)} ms`,
    ],
  ])
}

function said({ at, name, text, acted }: Extract<MemberEvent, { type: 'said' }>): string {
  return acted
    ? `${time(at)} * ${printable(name)} ${printable(text)}`
    : `${time(at)} ${printable(name)}: ${printable(text)}`
}

function entered({ room, name, members, again }: Extract<MemberEvent, { type: 'entered' }>): string {
  const others =
    members === 1 ? 'nobody else is here' : `${members - 1} ${members === 2 ? 'other is' : 'others are'} here`
  return `${again ? 'back' : 'you are'} in #${printable(room)} as ${printable(name)}; ${others}`
}

function talk(text: string): Line {
  return { kind: 'talk', text }
}

/** Of a long message the beginning is enough to know it again. */
function shortened(text: string): string {
  const characters = [...printable(text)]
  return characters.length > 60 ? `"${characters.slice(0, 60).join('')}…"` : `"${characters.join('')}"`
}

/** Local time of day. */
function time(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8)
}
