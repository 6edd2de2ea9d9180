import { utf8Text } from './byte-reader.ts'
import type { Entry, PartEntry, SkipEntry } from './entry.ts'
import type { Welcome } from './handshake.ts'
import type { MemberEvent } from './member-event.ts'
import type { OrderedEntry } from './room-inbox.ts'

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
