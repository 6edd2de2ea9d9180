import type { Dialect } from '../net/dialect.ts'
import { nameKey } from '../text/names.ts'
import type { ModerationEntry } from './history.ts'
import { chatLimits } from './limits.ts'
import { type ChatMessage, ChatRefusal, type ChatServerMessage, type HistoryPage, type Ref } from './message.ts'

/** One person, however many connections. */
export interface ChatMember {
  /** The account's name of today. */
  name: string
  /** The account's id. */
  readonly account: string
  /** By `--operators`, or by /op. */
  operator: boolean
  away: string | undefined
  readonly connections: Set<ChatConnection>
}

/** From entering a room to leaving it. */
export interface Membership {
  /** The leaving has gone out; entering is no longer possible, whatever the history still answers. */
  over: boolean
  /** It came back with ids of another history. */
  readonly foreign: boolean
  /** The last id that it has read of what it missed, as long as that is not all: what is said then is held back. */
  readUpTo: number | undefined
  /** Of the request to enter. */
  readonly ref: Ref | undefined
}

/** One connection as the owner of the chat's state sees it. */
export interface ChatConnection {
  readonly id: number
  /** The number of the thread gateway that holds its session. */
  readonly gateway: number
  readonly address: string
  readonly dialect: Dialect
  readonly member: ChatMember
  /** In the order of joining. */
  readonly rooms: Map<string, Membership>
  /** Where a text without a room goes; the room joined last. */
  current: string | undefined
  closed: boolean
  /** It has said goodbye: what it asks from then on is not heard. */
  leaving: boolean
  /** The server's console takes answers at once, past the one order. */
  readonly answer?: (message: ChatServerMessage) => void
}

/** One room: who is in it, what was said last, and who came and went since that was last told. */
export class Room {
  readonly name: string
  readonly #members = new Map<ChatMember, number>()
  readonly #joined = new Set<string>()
  readonly #left = new Set<string>()
  #recent: ChatMessage[] = []
  #older = true
  /** Who waits for the history to be read before entering; undefined once it was. */
  waiting:
    | { readonly connection: ChatConnection; readonly membership: Membership; readonly after: number | undefined }[]
    | undefined = []

  constructor(name: string) {
    this.name = name
  }

  get size(): number {
    return this.#members.size
  }

  members(): Iterable<ChatMember> {
    return this.#members.keys()
  }

  has(member: ChatMember): boolean {
    return this.#members.has(member)
  }

  /** A connection of the member enters. Returns whether that is news to the others. */
  add(member: ChatMember): boolean {
    const count = this.#members.get(member) ?? 0
    this.#members.set(member, count + 1)
    if (count === 0 && !this.#left.delete(member.name)) this.#joined.add(member.name)
    return count === 0
  }

  /** A connection of the member leaves. Returns whether it was the last one. */
  remove(member: ChatMember): boolean {
    const count = this.#members.get(member) ?? 0
    if (count > 1) {
      this.#members.set(member, count - 1)
      return false
    }
    if (this.#members.delete(member) && !this.#joined.delete(member.name)) this.#left.add(member.name)
    return true
  }

  /** A member has another name. */
  rename(old: string, name: string): void {
    for (const names of [this.#joined, this.#left]) if (names.delete(old)) names.add(name)
  }

  /** Who came and went since the last call, in one message; undefined when nobody did, or came and went again. */
  presence(): ChatServerMessage | undefined {
    const changes = this.#joined.size + this.#left.size
    if (changes === 0) return undefined
    const joined = [...this.#joined].slice(0, chatLimits.presenceNames)
    const left = [...this.#left].slice(0, chatLimits.presenceNames)
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
    this.#recent = [...page.messages.filter(({ id }) => id < first), ...this.#recent].slice(-chatLimits.recentCount)
    this.#older = page.more
  }

  /** A message is out. */
  remember(message: ChatMessage): void {
    this.#recent.push(message)
    // Cut by halves: shifting one by one would move the whole list for each message.
    if (this.#recent.length < 2 * chatLimits.recentCount) return
    this.#recent = this.#recent.slice(-chatLimits.recentCount)
    this.#older = true
  }

  /** What a newcomer sees, or what somebody who knows the room up to `after` missed; undefined when only the disk knows. */
  backlog(after: number | undefined): HistoryPage | undefined {
    if (after === undefined) {
      const messages = this.#recent.slice(-chatLimits.backlogCount)
      return { messages, more: this.#older || messages.length < this.#recent.length }
    }
    const oldest = this.#recent[0]?.id
    if (this.#older && (oldest === undefined || oldest > after + 1)) return undefined
    return { messages: this.#recent.filter(({ id }) => id > after), more: false }
  }
}

/** Topics, bans, mutes, who else is an operator, and whose the names of `--operators` are. Outlives rooms, and restarts by way of the history. */
export class ModerationStore {
  readonly #entries = new Map<string, ModerationEntry>()
  readonly #perRoom = new Map<string, number>()

  constructor(entries: readonly ModerationEntry[]) {
    for (const entry of entries) this.set(entry, false)
  }

  /** The entry about this person as it is kept, or about whoever has the name. */
  find({ kind, room, name, account }: ModerationEntry): ModerationEntry | undefined {
    return this.#entries.get(keyOf(kind, room, name, account)) ?? this.#entries.get(keyOf(kind, room, name, ''))
  }

  /** What is about an account. */
  of(account: string): readonly ModerationEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.account === account)
  }

  /** @throws {ChatRefusal} TOO_MANY for one room */
  set(entry: ModerationEntry, off: boolean): void {
    const key = keyOf(entry.kind, entry.room, entry.name, entry.account)
    const known = this.#entries.has(key)
    const count = this.#perRoom.get(entry.room) ?? 0
    if (off) {
      if (known) this.#perRoom.set(entry.room, count - 1)
      this.#entries.delete(key)
      return
    }
    if (!known && count >= chatLimits.moderationEntriesPerRoom)
      throw new ChatRefusal('TOO_MANY', 'there are too many of these already')
    if (!known) this.#perRoom.set(entry.room, count + 1)
    this.#entries.set(key, entry)
  }

  topic(room: string): string {
    return this.#entries.get(keyOf('topic', room, '', ''))?.text ?? ''
  }

  banned(room: string, member: Pick<ChatMember, 'name' | 'account'>): boolean {
    return this.#restricts('ban', room, member)
  }

  muted(room: string, member: Pick<ChatMember, 'name' | 'account'>): boolean {
    // Asked for every message, and a name costs a microsecond to fold; in most rooms nobody is muted.
    return (this.#perRoom.get(room) ?? 0) > 0 && this.#restricts('mute', room, member)
  }

  /** By /op. */
  operator({ name, account }: Pick<ChatMember, 'name' | 'account'>): boolean {
    return account !== '' && this.#entries.has(keyOf('op', '', name, account))
  }

  /** The account that a name of `--operators` means; undefined as long as it means none. */
  claimedBy(name: string): string | undefined {
    return this.#entries.get(keyOf('claim', '', name, ''))?.account
  }

  /** Whether there is an entry about this account, or about whoever has the name. */
  #restricts(kind: 'ban' | 'mute', room: string, { name, account }: Pick<ChatMember, 'name' | 'account'>): boolean {
    return (
      this.#entries.has(keyOf(kind, room, name, '')) ||
      (account !== '' && this.#entries.has(keyOf(kind, room, name, account)))
    )
  }
}

/** An account's entries hang on its id, so that they outlive its name; a claim is about a name that the options have. */
function keyOf(kind: ModerationEntry['kind'], room: string, name: string, account: string): string {
  return account === '' || kind === 'claim' ? `${kind}\n${room}\n${nameKey(name)}` : `${kind}\n${room}\n\n${account}`
}
