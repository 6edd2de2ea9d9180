import { UsageError } from '../base/errors.ts'
import type { EventType } from '../base/events.ts'
import { suggest } from '../base/suggest.ts'
import { logLimits } from './limits.ts'
import { eventTypes, type Level, levels } from './render.ts'

/** Which lines of the log are wanted: those to which all of this applies. Plain data, so that it can be sent to the log thread. */
export interface LogFilter {
  readonly service?: string
  readonly pid?: number
  /** So grave, or graver. */
  readonly level?: Level
  /** A connection, by its number. */
  readonly client?: number
  /** A member of a room of `chat-udp`. */
  readonly member?: number
  readonly event?: EventType
  /** Also `received` and `sent`, which are several for every message of every client. */
  readonly traffic: boolean
}

/** What an operator asked to see of the log. */
export interface LogQuery {
  readonly count: number
  /** Show what comes from now on, too. */
  readonly follow: boolean
  readonly filter: LogFilter
}

type Wishes = Partial<LogFilter & Omit<LogQuery, 'filter'>>

/** Words with a number behind them. */
const numbered = { client: 'client', member: 'member', process: 'pid' } as const

/**
 * What `50 chat`, `-f warning` or `client 7 traffic` ask for, in any order.
 * @param services whose lines may be in the log
 * @throws {UsageError}
 */
export function parseLogQuery(words: readonly string[], services: readonly string[]): LogQuery {
  const rest = words.map((word) => word.toLowerCase())
  let given: Wishes = {}
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const wish = readWord(word, rest, services)
    const twice = Object.keys(wish).find((name) => Object.hasOwn(given, name))
    if (twice !== undefined) {
      throw new UsageError(`"${word}" is one ${twice} too many`, { hint: 'a line is shown if all words apply to it' })
    }
    given = { ...given, ...wish }
  }
  const { count = logLimits.tailCount, follow = false, traffic = false, ...filter } = given
  const isTraffic = filter.event === 'received' || filter.event === 'sent'
  return { count, follow, filter: { ...filter, traffic: traffic || isTraffic } }
}

/** What a word asks for, and the number behind it where it needs one: one wish. */
function readWord(word: string, rest: string[], services: readonly string[]): Wishes {
  if (/^-?\d+([.,]\d+)?$/.test(word)) return { count: wholeNumber(word, logLimits.maxTailCount) }
  if (word === '-f') return { follow: true }
  if (word === 'traffic') return { traffic: true }
  if (Object.hasOwn(levels, word)) return { level: word as Level }
  if (services.includes(word)) return { service: word }
  if (eventTypes.has(word as EventType)) return { event: word as EventType }
  if (!Object.hasOwn(numbered, word)) throw unknownWord(word, services)
  const number = rest.shift()
  if (number === undefined) throw new UsageError(`${word} what?`, { hint: `type: logs ${word} 7` })
  const id = wholeNumber(number.replace(/^#/, ''), Number.MAX_SAFE_INTEGER)
  return { [numbered[word as keyof typeof numbered]]: id }
}

function wholeNumber(word: string, most: number): number {
  if (!/^\d+$/.test(word)) throw new UsageError(`"${word}" is not a whole number`)
  if (Number(word) < 1 || Number(word) > most) throw new UsageError(`${word} is not between 1 and ${most}`)
  return Number(word)
}

function unknownWord(word: string, services: readonly string[]): UsageError {
  const known = [...services, ...Object.keys(levels), ...Object.keys(numbered), 'traffic']
  const near = suggest(word, [...known, ...eventTypes])
  return new UsageError(`logs knows no "${word}"${near === undefined ? '' : `; did you mean ${near}?`}`, {
    hint: `a number, -f, ${known.join(', ')}, or an event such as disconnected`,
  })
}

/** What `received` and `sent` have in their lines and no text of a peer can: its quotes are escaped there. */
const trafficLine = /"event":"(?:received|sent)"/

/** Whether a line of the log is wanted. One that is not ours has nothing that a filter could look at, and is no traffic. */
export function isWanted(jsonLine: string, filter: LogFilter): boolean {
  if (!filter.traffic && trafficLine.test(jsonLine)) return false
  const { service, pid, level, client, member, event } = filter
  if ([service, pid, level, client, member, event].every((wish) => wish === undefined)) return true
  const line = parse(jsonLine)
  const ofMember = String(line.event).startsWith('member-')
  return (
    (service === undefined || line.service === service) &&
    (pid === undefined || line.pid === pid) &&
    (level === undefined || (levels[line.level as Level] ?? levels.info) <= levels[level]) &&
    (client === undefined || (line.id === client && !ofMember)) &&
    (member === undefined || (line.id === member && ofMember)) &&
    (event === undefined || line.event === event)
  )
}

function parse(jsonLine: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(jsonLine)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
