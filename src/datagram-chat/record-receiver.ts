import { utf8Text } from './fields.ts'
import type { Welcome } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { Entry, PartEntry, SkipEntry } from './log-record.ts'
import type { MemberEvent } from './member-interface.ts'
import { type Gap, maxGaps, type RoomPiece } from './session-messages.ts'

export interface OrderedEntry {
  readonly order: number
  readonly entry: Entry
}

const maxGapEntries = 0xffff

/** A member's copy of the room: entries come in any order, several times or not at all, and go out once and in the room's order. */
export class RoomInbox {
  readonly #early = new Map<number, Entry>()
  #next: number
  #head: number

  /** `next`: the first order wanted; `head`: the newest that is known to exist. */
  constructor(next: number, head: number) {
    this.#next = next
    this.#head = head
  }

  /** Everything up to here has come. */
  get seen(): number {
    return this.#next - 1
  }

  get complete(): boolean {
    return this.#next > this.#head
  }

  /** The relay says how far the order goes. */
  learnHead(head: number): void {
    this.#head = Math.max(this.#head, head)
  }

  /** Takes in what came and returns what can be shown now. */
  add(piece: RoomPiece): readonly OrderedEntry[] {
    let order = piece.first
    for (const entry of piece.entries) {
      this.#keep(order, entry)
      order += widthOf(entry)
    }
    this.learnHead(order - 1)
    return [...this.#ready()]
  }

  /** What is missing, oldest first, at most as much as one request holds. */
  gaps(): readonly Gap[] {
    const gaps: Gap[] = []
    let from = this.#next
    for (const order of [...this.#early.keys()].sort((a, b) => a - b)) {
      addGap(gaps, from, order)
      from = Math.max(from, order + widthOf(this.#early.get(order)))
    }
    addGap(gaps, from, this.#head + 1)
    return gaps.slice(0, maxGaps)
  }

  #keep(order: number, entry: Entry): void {
    const end = order + widthOf(entry)
    if (end <= this.#next) return
    if (order > this.#next && this.#early.size >= datagramLimits.earlyEntries) return
    const from = Math.max(order, this.#next)
    if (this.#early.has(from)) return
    this.#early.set(from, entry.kind === 'skip' ? { kind: 'skip', count: this.#unknownUntil(from, end) - from } : entry)
  }

  /** The end of a skip, or the first entry within it that has come after all. */
  #unknownUntil(from: number, end: number): number {
    let until = end
    for (const order of this.#early.keys()) if (order > from && order < until) until = order
    return until
  }

  *#ready(): Generator<OrderedEntry> {
    for (let entry = this.#early.get(this.#next); entry !== undefined; entry = this.#early.get(this.#next)) {
      const order = this.#next
      this.#early.delete(order)
      this.#next += widthOf(entry)
      if (entry.kind === 'skip') this.#forgetOld()
      yield { order, entry }
    }
  }

  #forgetOld(): void {
    for (const order of this.#early.keys()) if (order < this.#next) this.#early.delete(order)
  }
}

function widthOf(entry: Entry | undefined): number {
  return entry?.kind === 'skip' ? entry.count : 1
}

function addGap(gaps: Gap[], from: number, end: number): void {
  if (end > from) gaps.push({ from, count: Math.min(end - from, maxGapEntries) })
}

/** Turns entries in the room's order into what a person is shown: joins the parts of a message, leaves out what is not new to anybody. */
export class RoomReader {
  readonly #welcome: Welcome
  readonly #show: (event: MemberEvent) => void
  #parts: PartEntry[] = []

  constructor(welcome: Welcome, show: (event: MemberEvent) => void) {
    this.#welcome = welcome
    this.#show = show
  }

  /** Entries at the end that wait for the other parts of their message. */
  get unfinished(): number {
    return this.#parts.length
  }

  read({ order, entry }: OrderedEntry): void {
    const past = order < this.#welcome.joinedOrder
    if (entry.kind === 'part') this.#part(entry, order, past)
    else if (entry.kind === 'skip') this.#skip(order, entry.count)
    else if (!past) this.#happening(order, entry)
  }

  #happening(order: number, entry: Exclude<Entry, PartEntry | SkipEntry>): void {
    const { kind, at } = entry
    if (kind === 'notice') this.#show({ type: kind, order, at, text: utf8Text(entry.bytes) ?? '' })
    else if (kind === 'left') this.#show({ type: kind, order, at, name: entry.name, reason: entry.reason })
    else this.#show({ type: kind, order, at, name: entry.name, own: this.#isOwn(entry.member) })
  }

  #skip(order: number, skipped: number): void {
    this.#parts = []
    // What was skipped of the time before we came is nothing that we missed.
    const count = order + skipped - Math.max(order, this.#welcome.joinedOrder)
    if (count > 0) this.#show({ type: 'missed', count })
  }

  #isOwn(member: number): boolean {
    return member === this.#welcome.member
  }

  #part(entry: PartEntry, order: number, past: boolean): void {
    this.#parts = entry.index === 0 ? [entry] : [...this.#parts, entry]
    if (this.#parts.length !== entry.index + 1) this.#parts = []
    if (this.#parts.length === 0 || entry.index + 1 < entry.count) return
    const text = utf8Text(Buffer.concat(this.#parts.map(({ bytes }) => bytes)))
    this.#parts = []
    if (text === undefined) return
    const { at, name, acted, member } = entry
    this.#show({ type: 'said', order, at, name, text, acted, own: this.#isOwn(member), past })
  }
}
