import type { Dialect } from '../net/dialect.ts'
import { frameHeaderBytes } from '../net/frame-codec.ts'
import { nameInSentence, operatorMark, saidLine, shownName, utcDay, utcTime } from '../text/said.ts'
import { usageTable } from '../text/slash.ts'
import type { ChatMessage, ChatServerMessage } from './message.ts'

/** The text dialect: what the server says, as lines for a person at `nc`. Everything in it was made harmless before. */
export function renderLines(message: ChatServerMessage): string {
  switch (message.type) {
    case 'message':
      return `${messageLine(message)}\n`
    case 'private':
      return `${privateLine(message)}\n`
    case 'history':
      return historyLines(message.room, message.messages, message.more)
    case 'joined':
      return `* you are in #${message.room} (${people(message.members)})${message.topic === '' ? '' : `; topic: ${message.topic}`}\n`
    case 'left':
      return `* ${leaving(message)}\n`
    case 'presence':
      return presenceLines(message)
    case 'renamed':
      return `* ${nameInSentence(message.old)} is called ${nameInSentence(message.name)} now\n`
    case 'topic':
      return message.topic === ''
        ? `* ${nameInSentence(message.by)} took away the topic of #${message.room}\n`
        : `* ${nameInSentence(message.by)} set the topic of #${message.room}: ${message.topic}\n`
    case 'rooms':
      return message.rooms
        .map(({ room, members, topic }) => `* #${room}: ${people(members)}${topic === '' ? '' : `; ${topic}`}\n`)
        .join('')
    case 'who':
      return whoLines(message)
    case 'help':
      return usageTable(message.commands)
        .map((line) => `* ${line}\n`)
        .join('')
    case 'moderated':
      return `* ${decision(message)}\n`
    case 'done':
      return ''
    case 'notice':
      return `* ${message.text}\n`
    case 'error':
      return `! ${message.text}\n`
    case 'pong':
      return '* the server is there\n'
    case 'bye':
      return `* ${message.reason === 'exit' ? '' : 'netlab: '}${message.message}\n`
  }
}

function messageLine({ at, room, from, text, action, operator }: ChatMessage): string {
  const name = action === true ? nameInSentence(from) : shownName(from)
  return saidLine({ time: utcTime(at), room, from: name, operator, text, action })
}

function privateLine({ at, from, to, operator, text }: Extract<ChatServerMessage, { type: 'private' }>): string {
  const mark = operator === true ? operatorMark : ''
  return `${utcTime(at)} (private) ${mark}${nameInSentence(from)} to ${nameInSentence(to)}: ${text}`
}

/** `1 person`, `5 people`. */
export function people(count: number): string {
  return count === 1 ? '1 person' : `${count} people`
}

function historyLines(room: string, messages: readonly ChatMessage[], more: boolean): string {
  const first = messages[0]
  const last = messages.at(-1)
  if (first === undefined || last === undefined) return `* nothing was said in #${room} in that time\n`
  let shown = utcDay(first.at)
  const heading = `* #${room} since ${shown} UTC, messages ${first.id} to ${last.id}`
  let lines = ''
  for (const message of messages) {
    const day = utcDay(message.at)
    if (day !== shown) lines += `* ${day} UTC\n`
    shown = day
    lines += `${messageLine(message)}\n`
  }
  const hint = more ? `; there is more: /history before ${first.id} or after ${last.id}` : ''
  return `${heading}${hint}\n${lines}* end of the history\n`
}

function decision({ action, room, name, off, you }: Extract<ChatServerMessage, { type: 'moderated' }>): string {
  const [who, is, where] = you === true ? ['you', 'are', ` #${room}`] : [nameInSentence(name), 'is', ` #${room}`]
  switch (action) {
    case 'kick':
      return `${who} ${you === true ? 'were' : 'was'} put out of${where}`
    case 'ban':
      return off ? `${who} may enter${where} again` : `${who} ${is} banned from${where}`
    case 'mute':
      return `${who} ${off ? 'may speak again' : 'may only read now'} in${where}`
    case 'op':
      return `${who} ${is} ${off ? 'no longer an operator' : 'an operator now'}`
  }
}

function leaving(left: Extract<ChatServerMessage, { type: 'left' }>): string {
  return left.current === null ? `${leftRoom(left)}; you are in no room now, /join one` : leftRoom(left)
}

function leftRoom({ room, why, by, reason }: Extract<ChatServerMessage, { type: 'left' }>): string {
  if (why === 'left') return `you left #${room}`
  const done = `${by === undefined ? 'an operator' : nameInSentence(by)} ${why === 'kicked' ? 'put you out of' : 'banned you from'} #${room}`
  return reason === undefined ? done : `${done}: ${reason}`
}

function presenceLines({
  room,
  joined,
  left,
  unnamed,
  members,
}: Extract<ChatServerMessage, { type: 'presence' }>): string {
  const parts = [
    ...(joined.length > 0 ? [`${joined.map(nameInSentence).join(', ')} joined`] : []),
    ...(left.length > 0 ? [`${left.map(nameInSentence).join(', ')} left`] : []),
    ...(unnamed > 0 ? [`${unnamed} more came or went`] : []),
  ]
  return `* #${room}: ${parts.join('; ')} (${people(members)})\n`
}

function whoLines({ room, names, members }: Extract<ChatServerMessage, { type: 'who' }>): string {
  const lines = names.map(({ name, operator, away, muted, addresses = [] }) => {
    const notes = [
      ...(operator === true ? ['operator'] : []),
      ...(muted === true ? ['muted'] : []),
      ...(away === undefined ? [] : [`away: ${away}`]),
      ...addresses,
    ]
    return `*   ${operator === true ? operatorMark : ''}${shownName(name)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}\n`
  })
  const others = members - names.length
  return `* ${people(members)} in #${room}:\n${lines.join('')}${others > 0 ? `*   and ${others} more\n` : ''}`
}

/** ASCII only: one UTF-16 unit is one byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
const ascii = /^[\u0000-\u007f]*$/

/**
 * The messages in one piece of bytes, made for being sent to many. Its buffer is its own: a thread can hand it over
 * without dragging a shared pool along.
 */
export function encode(messages: readonly ChatServerMessage[], dialect: Dialect): Uint8Array {
  return dialect === 'text' ? encodeText(messages) : encodeFrames(messages)
}

function encodeText(messages: readonly ChatServerMessage[]): Uint8Array {
  let text = ''
  for (const message of messages) text += renderLines(message)
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** A 4-byte big-endian length, then so many bytes of JSON, for each message. */
function encodeFrames(messages: readonly ChatServerMessage[]): Uint8Array {
  const bodies: string[] = []
  const lengths: number[] = []
  let total = 0
  for (const message of messages) {
    const body = message.type === 'message' ? messageJson(message) : JSON.stringify(message)
    const length = ascii.test(body) ? body.length : Buffer.byteLength(body)
    bodies.push(body)
    lengths.push(length)
    total += frameHeaderBytes + length
  }
  const bytes = Buffer.allocUnsafeSlow(total)
  let at = 0
  bodies.forEach((body, index) => {
    const length = lengths[index] ?? 0
    at = bytes.writeUInt32BE(length, at)
    at += bytes.write(body, at, length === body.length ? 'latin1' : 'utf8')
  })
  return bytes
}

/** As JSON.stringify would, at half the cost: this is what a busy room spends its time on. */
function messageJson(message: Extract<ChatServerMessage, { type: 'message' }>): string {
  let json = `{"type":"message","id":${message.id},"at":${message.at},"room":"${message.room}","from":${JSON.stringify(message.from)},"text":${JSON.stringify(message.text)}`
  if (message.cid !== undefined) json += `,"cid":${JSON.stringify(message.cid)}`
  if (message.action === true) json += ',"action":true'
  if (message.operator === true) json += ',"operator":true'
  if (message.unstored === true) json += ',"unstored":true'
  if (message.ref !== undefined) json += `,"ref":${JSON.stringify(message.ref)}`
  return `${json}}`
}
