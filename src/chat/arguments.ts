import { limits } from '../base/limits.ts'
import type { ArgumentTypes } from './commands.ts'
import type { HistoryRange } from './message.ts'
import { parseName, parseRoom } from './names.ts'
import { Refusal } from './refusal.ts'
import { cleanText } from './text.ts'

/** One kind of argument, read in both dialects. Both throw a Refusal. */
interface ArgumentReader<T> {
  /** Takes what it needs from the front of what a person typed; returns its value and the rest. */
  fromLine(rest: string): readonly [value: T, rest: string]
  /** Checks a JSON field; `undefined` when it is absent. A BAD_MESSAGE goes on where the field's name stood. */
  fromJson(value: unknown): T
}

export const argumentReaders: { readonly [K in keyof ArgumentTypes]: ArgumentReader<ArgumentTypes[K]> } = {
  here: {
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
    fromLine: (rest) => [cleanText(rest), ''],
    fromJson: (value) => cleanText(asText(value)),
  },
  note: {
    fromLine: (rest) => [rest === '' ? undefined : cleanText(rest, limits.chatNoteBytes), ''],
    fromJson: (value) =>
      value === undefined || value === '' ? undefined : cleanText(asText(value), limits.chatNoteBytes),
  },
  off: {
    fromLine(rest) {
      if (rest !== '' && rest.toLowerCase() !== 'off') throw new Refusal('USAGE', `"${cleanText(rest)}" is not "off"`)
      return [rest !== '', '']
    },
    fromJson(value) {
      if (value === undefined || typeof value === 'boolean') return value === true
      throw new Refusal('BAD_MESSAGE', 'is true or false')
    },
  },
  range: { fromLine: (rest) => [rangeFromLine(rest), ''], fromJson: rangeFromJson },
  after: {
    fromLine: (rest) => [undefined, rest],
    fromJson: (value) => (value === undefined ? undefined : asId(value)),
  },
  secret: {
    fromLine(rest) {
      if (rest !== '') throw new Refusal('USAGE', 'passwords are asked for, and not typed here')
      return [undefined, '']
    },
    fromJson: asText,
  },
  sessions: {
    fromLine: (rest) => [rest === '' ? undefined : rest.toLowerCase(), ''],
    fromJson: (value) => (value === undefined || typeof value === 'number' ? value : asText(value)),
  },
}

/** The first word and what follows it, without the white space between. */
export function firstWord(text: string): readonly [word: string, rest: string] {
  const end = text.search(/\s/)
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end).trimStart()]
}

function needed(rest: string): string {
  if (rest === '') throw new Refusal('USAGE', 'something is missing')
  return rest
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Refusal('BAD_MESSAGE', 'is missing or is not a string')
}

function asId(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Refusal('BAD_MESSAGE', 'takes whole numbers from 0 on')
}

function rangeFromLine(rest: string): HistoryRange {
  const match = /^(?:(?:(before|after)\s+)?(\d{1,15}))?$/i.exec(rest.trim())
  if (match === null) throw new Refusal('USAGE', '/history takes a number, "before ID" or "after ID"')
  const number = Number(match[2] ?? limits.chatBacklogCount)
  if (match[1]?.toLowerCase() === 'before') return { before: number, limit: limits.chatBacklogCount }
  if (match[1]?.toLowerCase() === 'after') return { after: number }
  return { last: Math.min(number, limits.chatPageCount) }
}

/** `{ last }`, `{ before, limit? }` or `{ after, limit? }`; nothing means the last few. */
function rangeFromJson(value: unknown): HistoryRange {
  if (value === undefined) return { last: limits.chatBacklogCount }
  if (typeof value !== 'object' || value === null) throw new Refusal('BAD_MESSAGE', 'is an object')
  const count = (field: unknown): number =>
    Math.min(field === undefined ? limits.chatPageCount : asId(field), limits.chatPageCount)
  const limit = count('limit' in value ? value.limit : undefined)
  if ('before' in value) return { before: asId(value.before), limit }
  if ('after' in value) return { after: asId(value.after), limit }
  return { last: count('last' in value ? value.last : undefined) }
}
