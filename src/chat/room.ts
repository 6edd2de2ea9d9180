import { limits } from '../base/limits.ts'
import type { Connection, Member, Visit } from './member.ts'
import type { ChatMessage, HistoryPage, ServerMessage } from './message.ts'

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
