import { limits } from '../base/limits.ts'
import { nameKey } from '../text/names.ts'
import type { ChatDialect } from './encode.ts'
import type { Mark } from './history.ts'
import { type ChatMessage, type HistoryPage, Refusal, type ServerMessage } from './message.ts'

/** One person, however many connections. */
export interface Member {
  readonly name: string
  /** By the account, or by /op. */
  operator: boolean
  away: string | undefined
  readonly connections: Set<Connection>
}

/** From entering a room to leaving it. */
export interface Visit {
  /** The leaving has gone out; entering is no longer possible, whatever the history still answers. */
  over: boolean
}

/** One connection as the room's owner sees it. */
export interface Connection {
  readonly id: number
  /** The thread that holds its socket. */
  readonly edge: number
  readonly dialect: ChatDialect
  readonly member: Member
  /** In the order of joining. */
  readonly rooms: Map<string, Visit>
  /** Where a text without a room goes; the room joined last. */
  current: string | undefined
  closed: boolean
  /** It has said goodbye: what it asks from then on is not heard. */
  leaving: boolean
  /** The server's console takes answers at once, past the one order. */
  readonly answer?: (message: ServerMessage) => void
}

/** One room: who is in it, what was said last, and who came and went since that was last told. */
export class Room {
  readonly name: string
  readonly #members = new Map<Member, number>()
  readonly #joined = new Set<string>()
  readonly #left = new Set<string>()
  #recent: ChatMessage[] = []
  #older = true
  /** Who waits for the history to be read before entering; undefined once it was. */
  waiting:
    | { readonly connection: Connection; readonly visit: Visit; readonly after: number | undefined }[]
    | undefined = []

  constructor(name: string) {
    this.name = name
  }

  get size(): number {
    return this.#members.size
  }

  members(): Iterable<Member> {
    return this.#members.keys()
  }

  has(member: Member): boolean {
    return this.#members.has(member)
  }

  /** A connection of the member enters. Returns whether that is news to the others. */
  add(member: Member): boolean {
    const count = this.#members.get(member) ?? 0
    this.#members.set(member, count + 1)
    if (count === 0 && !this.#left.delete(member.name)) this.#joined.add(member.name)
    return count === 0
  }

  /** A connection of the member leaves. Returns whether it was the last one. */
  remove(member: Member): boolean {
    const count = this.#members.get(member) ?? 0
    if (count > 1) {
      this.#members.set(member, count - 1)
      return false
    }
    if (this.#members.delete(member) && !this.#joined.delete(member.name)) this.#left.add(member.name)
    return true
  }

  /** Who came and went since the last call, in one message; undefined when nobody did, or came and went again. */
  presence(): ServerMessage | undefined {
    const changes = this.#joined.size + this.#left.size
    if (changes === 0) return undefined
    const joined = [...this.#joined].slice(0, limits.chatPresenceNames)
    const left = [...this.#left].slice(0, limits.chatPresenceNames)
    this.#joined.clear()
    this.#left.clear()
    return {
      type: 'presence',
      room: this.name,
      joined,
      left,
      unnamed: changes - joined.length - left.length,
      members: this.size,
    }
  }

  /** What was said before this room was in memory. Whatever has been said since is newer. */
  prime(page: HistoryPage): void {
    const first = this.#recent[0]?.id ?? Number.POSITIVE_INFINITY
    this.#recent = [...page.messages.filter(({ id }) => id < first), ...this.#recent].slice(-limits.chatRecentCount)
    this.#older = page.more
  }

  /** A message is out. */
  remember(message: ChatMessage): void {
    this.#recent.push(message)
    // Cut by halves: shifting one by one would move the whole list for each message.
    if (this.#recent.length < 2 * limits.chatRecentCount) return
    this.#recent = this.#recent.slice(-limits.chatRecentCount)
    this.#older = true
  }

  /** What a newcomer sees, or what somebody who knows the room up to `after` missed; undefined when only the disk knows. */
  backlog(after: number | undefined): HistoryPage | undefined {
    if (after === undefined) {
      const messages = this.#recent.slice(-limits.chatBacklogCount)
      return { messages, more: this.#older || messages.length < this.#recent.length }
    }
    const oldest = this.#recent[0]?.id
    if (this.#older && (oldest === undefined || oldest > after + 1)) return undefined
    return { messages: this.#recent.filter(({ id }) => id > after), more: false }
  }
}

/** What operators decided: topics, bans, mutes, and who else is an operator. Outlives rooms and restarts. */
export class Marks {
  readonly #marks = new Map<string, Mark>()
  readonly #perRoom = new Map<string, number>()

  constructor(marks: readonly Mark[]) {
    for (const mark of marks) this.set(mark, false)
  }

  /** @throws {Refusal} TOO_MANY for one room */
  set(mark: Mark, off: boolean): void {
    const key = keyOf(mark.kind, mark.room, mark.name)
    const known = this.#marks.has(key)
    const count = this.#perRoom.get(mark.room) ?? 0
    if (off) {
      if (known) this.#perRoom.set(mark.room, count - 1)
      this.#marks.delete(key)
      return
    }
    if (!known && count >= limits.chatMarksPerRoom) throw new Refusal('TOO_MANY', 'there are too many of these already')
    if (!known) this.#perRoom.set(mark.room, count + 1)
    this.#marks.set(key, mark)
  }

  topic(room: string): string {
    return this.#marks.get(keyOf('topic', room, ''))?.text ?? ''
  }

  banned(room: string, name: string): boolean {
    return this.#marks.has(keyOf('ban', room, name))
  }

  muted(room: string, name: string): boolean {
    // Asked for every message, and a name costs a microsecond to fold; in most rooms nobody is marked.
    return (this.#perRoom.get(room) ?? 0) > 0 && this.#marks.has(keyOf('mute', room, name))
  }

  operator(name: string): boolean {
    return this.#marks.has(keyOf('op', '', name))
  }
}

function keyOf(kind: Mark['kind'], room: string, name: string): string {
  return `${kind}\n${room}\n${nameKey(name)}`
}
