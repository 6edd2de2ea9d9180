import { harmless, operatorMark, saidLine } from '../text/said.ts'
import { parseSlashLine } from '../text/slash.ts'
import type { ClientStyle } from './client-style.ts'
import { commandSpecs, commandTable } from './commands.ts'
import { people, renderLines } from './encode.ts'
import { chatLimits } from './limits.ts'
import { type ChatMessage, type ChatServerMessage, lobby } from './message.ts'
import { ClientOutbox } from './reconnect.ts'

/** A line for the screen; `bell` when it wants somebody's attention. */
export interface ViewLine {
  readonly text: string
  readonly bell?: boolean
}

/** What the connection is to do about a message or a typed line. */
export interface ViewStep {
  readonly lines: readonly ViewLine[]
  /** JSON messages to send, in order. */
  readonly send: readonly object[]
}

export interface ClientViewOptions {
  readonly style: ClientStyle
  /** A new random UUID. */
  readonly newId: () => string
  /** UTC milliseconds. */
  readonly now: number
}

/**
 * The chat as one person sees it, without terminal or socket: messages of the server and typed lines in, lines for the screen
 * and messages for the server out. Lives as long as the program, over all connections: it knows what was seen in which
 * room and what is not acknowledged yet. Does not trust the server with the terminal.
 */
export class ClientView {
  readonly #style: ClientStyle
  readonly #outbox: ClientOutbox
  /** Rooms this person is in, with the last id seen there; the one joined last is the current one. */
  readonly #rooms = new Map<string, number>()
  /** Rooms that are resumed and that the server has not confirmed yet. */
  readonly #returning = new Set<string>()
  /** Resumed rooms whose history is incomplete: read up to id `seen`; from id `live` on messages came as they were said. */
  readonly #catchingUp = new Map<string, { seen: number; live: number }>()
  /** The history that the ids in `#rooms` are of. */
  #epoch: string | undefined
  #name = ''
  /** The date of the line shown last; at first today. */
  #day: string
  /** Who was met in a room, the latest last. */
  readonly #names = new Set<string>()

  constructor({ style, newId, now }: ClientViewOptions) {
    this.#day = style.day(now)
    this.#style = style
    this.#outbox = new ClientOutbox(newId)
  }

  /** The room that typed text goes to. */
  get current(): string | undefined {
    return [...this.#rooms.keys()].at(-1)
  }

  /** What stands before the line being typed: the room that it goes to, where there is a choice. */
  get prompt(): string {
    const { current } = this
    const plain = current === undefined || (current === lobby && this.#rooms.size === 1)
    return plain ? '> ' : `#${harmless(current)}> `
  }

  /** What `typed` may be the beginning of. */
  complete(typed: string): Completion {
    return complete(typed, { names: [...this.#names].reverse(), rooms: [...this.#rooms.keys()] })
  }

  /** Somebody is logged in, for the first time or again: what to send before anything else. */
  welcome(name: string): ViewStep {
    this.#name = name
    for (const [room, seen] of this.#rooms) {
      this.#returning.add(room)
      this.#catchingUp.set(room, { seen, live: Number.POSITIVE_INFINITY })
    }
    const resume = Object.fromEntries(this.#rooms)
    const epoch = this.#epoch === undefined ? {} : { epoch: this.#epoch }
    const enter = this.#rooms.size > 0 ? { type: 'enter', resume, ...epoch } : { type: 'enter' }
    return { lines: [], send: [enter, ...this.#outbox.waiting()] }
  }

  /** A line was typed. While there is no connection it is kept and sent by `welcome`. */
  typed(line: string): ViewStep {
    // As at every other service of this program, and in the chat at `nc`.
    const text = line.trim() === 'exit' ? '/quit' : line
    if (text.trim() === '') return { lines: [], send: [] }
    const typed = parseSlashLine(text, commandTable)
    if (typed.kind !== 'text') return { lines: [], send: [{ type: 'line', text }] }
    // Its room is that of the moment of typing, also when it is sent again later.
    const room = this.current
    const message = room === undefined ? { type: 'line', text } : { type: 'say', room, text: typed.text }
    const numbered = this.#outbox.add(message)
    if (numbered !== undefined) return { lines: [], send: [numbered] }
    return { lines: [{ text: this.#style.faint('* too much waits to be sent; this line was not kept') }], send: [] }
  }

  /** A message of the server. */
  take(message: ChatServerMessage): ViewStep {
    switch (message.type) {
      case 'message':
        return { lines: this.#said(message, true), send: [] }
      case 'private': {
        if (this.#outbox.settle(message.cid) || message.from === this.#name)
          return note(`${this.#style.time(message.at)} to ${this.#style.name(message.to)}: ${harmless(message.text)}`)
        const from = `${message.operator === true ? operatorMark : ''}${this.#style.name(message.from)}`
        const text = `${this.#style.time(message.at)} ${from} (private): ${harmless(message.text)}`
        return { lines: [{ text, bell: true }], send: [] }
      }
      case 'joined': {
        const returns = this.#returning.delete(message.room)
        // Of another history not before every room has ids of that.
        if (this.#returning.size === 0 || message.known === undefined) this.#epoch = message.epoch
        if (returns && message.known !== undefined) return this.#forget(message.room, message.known)
        if (returns) return { lines: [], send: [] }
        // Put in again, to be the last one.
        const seen = this.#rooms.get(message.room) ?? 0
        this.#rooms.delete(message.room)
        this.#rooms.set(message.room, seen)
        const topic = message.topic === '' ? '' : `; topic: ${harmless(message.topic)}`
        return this.#faint(`* you are in #${harmless(message.room)} (${people(message.members)})${topic}`)
      }
      case 'history':
        return this.#history(message)
      case 'presence': {
        // Whoever comes is told so by the room itself.
        const [joined, left] = [message.joined, message.left].map((names) =>
          names.filter((name) => name !== this.#name),
        )
        for (const name of joined ?? []) this.#meet(name)
        const news = { ...message, joined: joined ?? [], left: left ?? [] }
        if (news.joined.length + news.left.length + news.unnamed === 0) return { lines: [], send: [] }
        return this.#faint(plainLines(news))
      }
      case 'renamed':
        if (message.old === this.#name) this.#name = message.name
        this.#names.delete(harmless(message.old))
        this.#meet(message.name)
        return this.#faint(plainLines(message))
      case 'who':
        for (const { name } of message.names) this.#meet(name)
        return this.#faint(plainLines(message))
      case 'left':
        this.#rooms.delete(message.room)
        this.#catchingUp.delete(message.room)
        return this.#faint(plainLines(message))
      case 'error':
        this.#outbox.settle(message.cid)
        return note(harmless(`! ${message.text}`))
      default:
        return this.#faint(plainLines(message))
    }
  }

  /** The accounts answered, in lines that are safe to show. */
  aside(lines: readonly string[], refused: boolean): ViewStep {
    if (refused) return { lines: lines.map((line) => ({ text: `! ${line}` })), send: [] }
    return { lines: lines.map((line) => ({ text: this.#style.faint(`* ${line}`) })), send: [] }
  }

  /** What was seen of a room was another history's, but up to an id. */
  #forget(room: string, known: number): ViewStep {
    this.#rooms.set(room, known)
    this.#catchingUp.set(room, { seen: known, live: Number.POSITIVE_INFINITY })
    return this.#faint(`* the server has another history of #${harmless(room)} than before`)
  }

  #history(page: Extract<ChatServerMessage, { type: 'history' }>): ViewStep {
    const { room, messages, more } = page
    const away = this.#catchingUp.get(room)
    if (away === undefined && messages.length === 0) return this.#faint(plainLines(page))
    if (away === undefined) return { lines: messages.flatMap((message) => this.#said(message, false)), send: [] }
    const missed = messages.filter(({ id }) => id > away.seen && id < away.live)
    away.seen = messages.at(-1)?.id ?? away.seen
    const lines = missed.flatMap((message) => this.#said(message, false))
    const title = this.#style.faint(`* ${missed.length} in #${harmless(room)} while you were away`)
    if (more && away.seen < away.live) {
      const range = { after: away.seen, limit: chatLimits.pageCount }
      return { lines: [{ text: title }, ...lines], send: [{ type: 'history', room, range }] }
    }
    this.#catchingUp.delete(room)
    return { lines: missed.length === 0 ? [] : [{ text: title }, ...lines], send: [] }
  }

  #said(message: ChatMessage, live: boolean): readonly ViewLine[] {
    const { id, at, room, from, text, cid, action, operator } = message
    this.#outbox.settle(cid)
    this.#meet(from)
    const seen = this.#rooms.get(room)
    if (live && seen !== undefined && id <= seen) return []
    const away = live ? this.#catchingUp.get(room) : undefined
    if (away !== undefined) away.live = Math.min(away.live, id)
    if (seen !== undefined && id > seen) this.#rooms.set(room, id)
    const line = {
      text: saidLine({
        time: this.#style.time(at),
        room: room === this.current ? undefined : harmless(room),
        from: this.#style.name(from, action === true ? 'sentence' : 'line'),
        operator,
        text: harmless(text),
        action,
      }),
    }
    const rings = live && from !== this.#name && mentions(text, this.#name)
    return [...this.#dayLine(at), rings ? { ...line, bell: true } : line]
  }

  /** The date, where it is another than that of the line before. */
  #dayLine(at: number): readonly ViewLine[] {
    const day = this.#style.day(at)
    if (day === this.#day) return []
    this.#day = day
    return [{ text: this.#style.faint(`* ${day}`) }]
  }

  #meet(name: string): void {
    if (name === this.#name) return
    const shown = harmless(name)
    this.#names.delete(shown)
    this.#names.add(shown)
    const [oldest] = this.#names
    if (this.#names.size > chatLimits.whoNames && oldest !== undefined) this.#names.delete(oldest)
  }

  #faint(text: string): ViewStep {
    return { lines: text.split('\n').map((line) => ({ text: this.#style.faint(line) })), send: [] }
  }
}

function note(text: string): ViewStep {
  return { lines: [{ text }], send: [] }
}

/** As `nc` would show it, made harmless before it becomes lines: else a text with a line's end in it would make one of its own. */
function plainLines(message: ChatServerMessage): string {
  // Of the same shape, with other strings in it.
  return renderLines(harmlessFields(message) as ChatServerMessage).trimEnd()
}

function harmlessFields(value: unknown): unknown {
  if (typeof value === 'string') return harmless(value)
  if (Array.isArray(value)) return value.map(harmlessFields)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, harmlessFields(field)]))
}

/** Whether the name stands in the text as a word of its own. */
function mentions(text: string, name: string): boolean {
  if (name === '') return false
  const at = (index: number): string => text[index] ?? ' '
  const [haystack, needle] = [text.toLowerCase(), name.toLowerCase()]
  for (let found = haystack.indexOf(needle); found >= 0; found = haystack.indexOf(needle, found + 1))
    if (!/[\p{L}\p{N}]/u.test(at(found - 1)) && !/[\p{L}\p{N}]/u.test(at(found + needle.length))) return true
  return false
}

/** What a word may become, whole words with what follows them; `word` is what is there of it. */
export interface Completion {
  readonly word: string
  readonly found: readonly string[]
}

/**
 * Commands, rooms and names that begin as the end of `typed` does.
 * @param known the likeliest first
 */
export function complete(
  typed: string,
  known: { readonly names: readonly string[]; readonly rooms: readonly string[] },
): Completion {
  const word = /\S*$/.exec(typed)?.[0] ?? ''
  const first = word.length === typed.length
  const begins = (text: string): boolean => text.toLowerCase().startsWith(word.toLowerCase())
  if (word === '') return { word, found: [] }
  if (first && word.startsWith('/')) {
    const commands = commandSpecs.map(([name]) => `/${name} `)
    return { word, found: commands.filter(begins).sort() }
  }
  if (word.startsWith('#')) return { word, found: known.rooms.map((room) => `#${room} `).filter(begins) }
  const end = first ? ': ' : ' '
  // As commands take a name that has spaces in it.
  const quoted = (name: string): string => (typed.startsWith('/') && name.includes(' ') ? `"${name}"` : name)
  return { word, found: known.names.filter(begins).map((name) => `${quoted(name)}${end}`) }
}
