import { limits } from '../base/limits.ts'
import { checkKnownName, roomName, roomNameRule } from '../text/names.ts'
import { cleanText } from '../text/said.ts'
import { firstWord, parseSlashCommand, parseSlashLine, type SlashCommand } from '../text/slash.ts'
import type { ArgumentTypes, ChatRequest, CommandName, CommandSpec } from './commands.ts'
import { commandTable, isCommand } from './commands.ts'
import { chatLimits } from './limits.ts'
import { ChatRefusal, type ChatServerMessage, type HistoryRange, type Ref } from './message.ts'

/**
 * What a person typed: `/command …`, or text for the current room; `//` at the start is a text with one `/`.
 * @throws {ChatRefusal}
 */
export function parseLine(line: string): ChatRequest {
  const typed = parseSlashLine(line.trimEnd(), commandTable)
  return typed.kind === 'text' ? { type: 'say', room: undefined, text: textOf(typed.text) } : requestOf(typed)
}

/**
 * A command without its `/`, as the server's console takes it.
 * @throws {ChatRefusal}
 */
export function parseCommand(line: string): ChatRequest {
  return requestOf(parseSlashCommand(line.trim(), commandTable))
}

function requestOf(command: SlashCommand<CommandName>): ChatRequest {
  if (command.kind === 'command') return build(command.name, (spec) => fieldsFromLine(spec, command.rest))
  if (command.word.toLowerCase() === 'nick')
    throw new ChatRefusal('UNKNOWN_COMMAND', 'there is no /nick: a name is an account')
  const { suggestion } = command
  const meant = suggestion === undefined ? '' : `did you mean /${suggestion}? `
  throw new ChatRefusal('UNKNOWN_COMMAND', `there is no such command; ${meant}/help lists them`)
}

/**
 * A message from a program: `{ "type": "say", "room": "lobby", "text": "hello", "cid": "7f…" }`; or
 * `{ "type": "line", "text": "/who" }`, which is read as if a person had typed it.
 * @throws {ChatRefusal}
 */
export function parseMessage(message: unknown): ChatRequest {
  if (typeof message !== 'object' || message === null || !('type' in message) || typeof message.type !== 'string')
    throw new ChatRefusal('BAD_MESSAGE', 'a message is a JSON object with a "type"')
  const marks = { ...cidOf(message), ...refOf(message) }
  if (message.type === 'line') {
    if (!('text' in message) || typeof message.text !== 'string')
      throw new ChatRefusal('BAD_MESSAGE', 'a line has a "text"')
    return { ...parseLine(message.text), ...marks }
  }
  if (!isCommand(message.type))
    throw new ChatRefusal('UNKNOWN_COMMAND', `there is no message of this type; the types are ${messageTypes}`)
  return { ...build(message.type, (spec) => fieldsFromJson(spec, message)), ...marks }
}

const messageTypes = ['enter', 'line', 'pong', ...Object.keys(commandTable)].join(', ')

/** Rooms with the last id seen in each. */
export type Resume = Readonly<Record<string, number>>

/** Where a client comes back to, and the epoch whose ids it has seen, if it knows that. */
export interface Enter {
  readonly resume: Resume
  readonly epoch?: string
  readonly ref?: Ref
}

/**
 * The enter message, a program's first after its login: `{ "type": "enter" }` lands in the lobby; with
 * `"resume": { "lobby": 4711 }, "epoch": "…"` it is back in these rooms, and gets what was said after these ids. Undefined when the message
 * is something else.
 * @throws {ChatRefusal} BAD_MESSAGE, BAD_ROOM, TOO_MANY
 */
export function parseEnter(message: unknown): Enter | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'enter')
    return undefined
  const ref = refOf(message)
  if (!('resume' in message)) return { resume: {}, ...ref }
  if (typeof message.resume !== 'object' || message.resume === null)
    throw new ChatRefusal('BAD_MESSAGE', '"resume" is an object of rooms with the last id seen in each')
  const rooms = Object.entries(message.resume)
  if (rooms.length > chatLimits.roomsPerConnection)
    throw new ChatRefusal('TOO_MANY', `a connection is in at most ${chatLimits.roomsPerConnection} rooms`)
  const resume = Object.fromEntries(rooms.map(([room, id]) => [parseRoom(room), asId(id)]))
  if (!('epoch' in message)) return { resume, ...ref }
  if (typeof message.epoch === 'string') return { resume, epoch: message.epoch, ...ref }
  throw new ChatRefusal('BAD_MESSAGE', '"epoch" is a string, as "joined" brought it')
}

/** The client's own id of what is said. @throws {ChatRefusal} */
function cidOf(message: object): { readonly cid?: string } {
  if (!('cid' in message)) return {}
  const { cid } = message
  if (typeof cid === 'string' && cid.length > 0 && cid.length <= chatLimits.cidChars) return { cid }
  throw new ChatRefusal('BAD_MESSAGE', `"cid" is a string of 1 to ${chatLimits.cidChars} characters`)
}

/** The client's mark of a request. @throws {ChatRefusal} */
function refOf(message: object): { readonly ref?: Ref } {
  if (!('ref' in message)) return {}
  if (isRef(message.ref)) return { ref: message.ref }
  throw new ChatRefusal('BAD_MESSAGE', `"ref" is a whole number, or a string of at most ${limits.refChars} characters`)
}

function isRef(ref: unknown): ref is Ref {
  return Number.isSafeInteger(ref) || (typeof ref === 'string' && ref.length <= limits.refChars)
}

/** What a refusal says of the request, as far as that can be told from whatever was sent. */
export function marksOf(
  message: unknown,
): Pick<Extract<ChatServerMessage, { type: 'error' }>, 'request' | 'room' | 'cid' | 'ref'> {
  if (typeof message !== 'object' || message === null) return {}
  const { type, room, cid, ref } = message as Readonly<Record<string, unknown>>
  return {
    ...(typeof type === 'string' && { request: type.slice(0, chatLimits.cidChars) }),
    ...(typeof room === 'string' && { room: room.slice(0, chatLimits.cidChars) }),
    ...(typeof cid === 'string' && { cid: cid.slice(0, chatLimits.cidChars) }),
    ...(isRef(ref) && { ref }),
  }
}

function build(name: CommandName, read: (spec: CommandSpec) => Record<string, unknown>): ChatRequest {
  try {
    // The table gives each field its reader and, by the same words, its type; TypeScript can't follow that through a loop.
    return { type: name, ...read(commandTable[name]) } as unknown as ChatRequest
  } catch (error) {
    if (error instanceof ChatRefusal && error.code === 'USAGE')
      throw new ChatRefusal('USAGE', `${error.message}: ${commandTable[name].usage}`)
    throw error
  }
}

function fieldsFromLine(spec: CommandSpec, line: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  let rest = line
  for (const [field, kind] of Object.entries(spec.args)) [fields[field], rest] = argumentReaders[kind].fromLine(rest)
  if (rest !== '') throw new ChatRefusal('USAGE', 'there is more than the command takes')
  return fields
}

function fieldsFromJson(spec: CommandSpec, message: object): Record<string, unknown> {
  const given = new Map<string, unknown>(Object.entries(message))
  const fields: Record<string, unknown> = {}
  for (const [field, kind] of Object.entries(spec.args))
    fields[field] = named(field, () => argumentReaders[kind].fromJson(given.get(field)))
  return fields
}

/** Puts the field's name in front of what is wrong with its value. */
function named<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ChatRefusal && error.code === 'BAD_MESSAGE')
      throw new ChatRefusal('BAD_MESSAGE', `"${field}" ${error.message}`)
    throw error
  }
}

/** One kind of argument, read in both dialects. Both throw a ChatRefusal. */
interface ArgumentReader<T> {
  /** Takes what it needs from the front of what a person typed; returns its value and the rest. */
  fromLine(rest: string): readonly [value: T, rest: string]
  /** Checks a JSON field, `undefined` when it is absent. The text of a BAD_MESSAGE follows the field's name. */
  fromJson(value: unknown): T
}

const argumentReaders: { readonly [K in keyof ArgumentTypes]: ArgumentReader<ArgumentTypes[K]> } = {
  leadingRoom: {
    fromLine(rest) {
      if (!rest.startsWith('#')) return [undefined, rest]
      const [word, after] = firstWord(rest)
      return [parseRoom(word), after]
    },
    fromJson: (value) => (value === undefined ? undefined : parseRoom(asText(value))),
  },
  optionalRoom: {
    fromLine: (rest) => [rest === '' ? undefined : parseRoom(rest), ''],
    fromJson: (value) => (value === undefined ? undefined : parseRoom(asText(value))),
  },
  room: {
    // The rest of the line, so that a name with spaces is refused and not cut short.
    fromLine: (rest) => [parseRoom(needed(rest)), ''],
    fromJson: (value) => parseRoom(asText(value)),
  },
  name: {
    fromLine(rest) {
      // A name may have spaces in it: "Ann Lee" is then written in quotes.
      const quoted = /^@?"([^"]+)"\s*/.exec(needed(rest))
      const [word, after] = quoted === null ? firstWord(rest) : [quoted[1] ?? '', rest.slice(quoted[0].length)]
      return [parseName(word), after]
    },
    fromJson: (value) => parseName(asText(value)),
  },
  text: {
    fromLine: (rest) => [textOf(rest), ''],
    fromJson: (value) => textOf(asText(value)),
  },
  note: {
    fromLine: (rest) => [rest === '' ? undefined : textOf(rest, chatLimits.noteBytes), ''],
    fromJson: (value) =>
      value === undefined || value === '' ? undefined : textOf(asText(value), chatLimits.noteBytes),
  },
  off: {
    fromLine(rest) {
      if (rest !== '' && rest.toLowerCase() !== 'off') throw new ChatRefusal('USAGE', `"${textOf(rest)}" is not "off"`)
      return [rest !== '', '']
    },
    fromJson(value) {
      if (value === undefined || typeof value === 'boolean') return value === true
      throw new ChatRefusal('BAD_MESSAGE', 'is true or false')
    },
  },
  range: { fromLine: (rest) => [rangeFromLine(rest), ''], fromJson: rangeFromJson },
  after: {
    fromLine: (rest) => [undefined, rest],
    fromJson: (value) => (value === undefined ? undefined : asId(value)),
  },
  word: {
    fromLine: (rest) => firstWord(needed(rest)),
    fromJson: asText,
  },
  secret: {
    fromLine(rest) {
      if (rest !== '') throw new ChatRefusal('USAGE', 'passwords are asked for, and not typed here')
      return [undefined, '']
    },
    fromJson: asText,
  },
  sessions: {
    fromLine: (rest) => [rest === '' ? undefined : rest.toLowerCase(), ''],
    fromJson: (value) => (value === undefined || typeof value === 'number' ? value : asText(value)),
  },
}

function needed(rest: string): string {
  if (rest === '') throw new ChatRefusal('USAGE', 'something is missing')
  return rest
}

/** What somebody wants to say, made harmless. @throws {ChatRefusal} EMPTY, TOO_LONG */
function textOf(said: string, maxBytes: number = chatLimits.textBytes): string {
  const check = cleanText(said, maxBytes)
  if (check.kind === 'good') return check.text
  if (check.why === 'empty') throw new ChatRefusal('EMPTY', 'there is nothing in this message')
  throw new ChatRefusal('TOO_LONG', `a text may have at most ${maxBytes} bytes here`)
}

/** @throws {ChatRefusal} BAD_ROOM */
function parseRoom(text: string): string {
  const name = roomName(text)
  if (name !== undefined) return name
  throw new ChatRefusal('BAD_ROOM', `a room name has ${roomNameRule}`)
}

/** A person's name as somebody else typed it; whether there is such a person is for the chat to say. @throws {ChatRefusal} BAD_NAME */
function parseName(text: string): string {
  const check = checkKnownName(text.replace(/^@/, ''))
  if (check.kind === 'good') return check.name
  throw new ChatRefusal('BAD_NAME', 'that cannot be the name of anybody')
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new ChatRefusal('BAD_MESSAGE', 'is missing or is not a string')
}

function asId(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new ChatRefusal('BAD_MESSAGE', 'takes whole numbers from 0 on')
}

function rangeFromLine(rest: string): HistoryRange {
  const match = /^(?:(?:(before|after)\s+)?(\d{1,15}))?$/i.exec(rest.trim())
  if (match === null) throw new ChatRefusal('USAGE', '/history takes a number, "before ID" or "after ID"')
  const number = Number(match[2] ?? chatLimits.backlogCount)
  if (match[1]?.toLowerCase() === 'before') return { before: number, limit: chatLimits.backlogCount }
  if (match[1]?.toLowerCase() === 'after') return { after: number }
  return { last: Math.min(number, chatLimits.pageCount) }
}

/** `{ last }`, `{ before, limit? }` or `{ after, limit? }`; nothing means the last few. */
function rangeFromJson(value: unknown): HistoryRange {
  if (value === undefined) return { last: chatLimits.backlogCount }
  if (typeof value !== 'object' || value === null) throw new ChatRefusal('BAD_MESSAGE', 'is an object')
  const keys = Object.keys(value)
  const stranger = keys.find((key) => !['last', 'before', 'after', 'limit'].includes(key))
  if (
    stranger !== undefined ||
    keys.filter((key) => key !== 'limit').length > 1 ||
    ('last' in value && 'limit' in value)
  )
    throw new ChatRefusal('BAD_MESSAGE', 'is one of {last}, {before, limit?} and {after, limit?}')
  const count = (field: unknown): number =>
    Math.min(field === undefined ? chatLimits.pageCount : asId(field), chatLimits.pageCount)
  const limit = count('limit' in value ? value.limit : undefined)
  if ('before' in value) return { before: asId(value.before), limit }
  if ('after' in value) return { after: asId(value.after), limit }
  return { last: count('last' in value ? value.last : undefined) }
}
