import { limits } from '../base/limits.ts'
import { argumentReaders, firstWord } from './arguments.ts'
import { type CommandName, type CommandSpec, commandTable, isCommand, type Request } from './commands.ts'
import { Refusal } from './refusal.ts'
import { cleanText } from './text.ts'

/**
 * What a person typed: `/command …`, or text for the current room; `//` at the start is a text with one `/`.
 * @throws {Refusal}
 */
export function parseLine(line: string): Request {
  if (!line.startsWith('/') || line.startsWith('//'))
    return { type: 'say', room: undefined, text: cleanText(line.replace(/^\/\//, '/')) }
  return parseCommand(line.slice(1))
}

/**
 * A command without its `/`, as the server's console takes it.
 * @throws {Refusal}
 */
export function parseCommand(line: string): Request {
  const [word, rest] = firstWord(line.trim())
  const name = word.toLowerCase()
  if (name === 'nick') throw new Refusal('UNKNOWN_COMMAND', 'there is no /nick: a name is an account')
  if (!isCommand(name)) throw new Refusal('UNKNOWN_COMMAND', 'there is no such command; /help lists them')
  return build(name, (spec) => fieldsFromLine(spec, rest))
}

/**
 * A message from a program: `{ "type": "say", "room": "lobby", "text": "hello", "cid": "7f…" }`; or
 * `{ "type": "line", "text": "/who" }`, which is read as if a person had typed it.
 * @throws {Refusal}
 */
export function parseMessage(message: unknown): Request {
  if (typeof message !== 'object' || message === null || !('type' in message) || typeof message.type !== 'string')
    throw new Refusal('BAD_MESSAGE', 'a message is a JSON object with a "type"')
  const cid = cidOf(message)
  if (message.type === 'line') {
    if (!('text' in message) || typeof message.text !== 'string')
      throw new Refusal('BAD_MESSAGE', 'a line has a "text"')
    return withCid(parseLine(message.text), cid)
  }
  if (!isCommand(message.type)) throw new Refusal('UNKNOWN_COMMAND', 'there is no message of this type')
  return withCid(
    build(message.type, (spec) => fieldsFromJson(spec, message)),
    cid,
  )
}

/** The client's own id in whatever was sent, so that even a refusal can carry it. */
export function cidOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || !('cid' in message)) return undefined
  const { cid } = message
  if (typeof cid === 'string' && cid.length > 0 && cid.length <= limits.chatCidChars) return cid
  throw new Refusal('BAD_MESSAGE', `"cid" is a string of 1 to ${limits.chatCidChars} characters`)
}

function withCid(request: Request, cid: string | undefined): Request {
  return cid === undefined ? request : { ...request, cid }
}

function build(name: CommandName, read: (spec: CommandSpec) => Record<string, unknown>): Request {
  try {
    // The table gives each field its reader and, by the same words, its type; TypeScript can't follow that through a loop.
    return { type: name, ...read(commandTable[name]) } as unknown as Request
  } catch (error) {
    if (error instanceof Refusal && error.code === 'USAGE')
      throw new Refusal('USAGE', `${error.message}: ${commandTable[name].usage}`)
    throw error
  }
}

function fieldsFromLine(spec: CommandSpec, line: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  let rest = line
  for (const [field, kind] of Object.entries(spec.args)) [fields[field], rest] = argumentReaders[kind].fromLine(rest)
  if (rest !== '') throw new Refusal('USAGE', 'there is more than the command takes')
  return fields
}

function fieldsFromJson(spec: CommandSpec, message: object): Record<string, unknown> {
  const given = new Map<string, unknown>(Object.entries(message))
  const fields: Record<string, unknown> = {}
  for (const [field, kind] of Object.entries(spec.args))
    fields[field] = named(field, () => argumentReaders[kind].fromJson(given.get(field)))
  return fields
}

/** Says which field it was that was wrong. */
function named<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Refusal && error.code === 'BAD_MESSAGE')
      throw new Refusal('BAD_MESSAGE', `"${field}" ${error.message}`)
    throw error
  }
}
