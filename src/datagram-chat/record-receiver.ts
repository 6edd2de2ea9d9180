import { utf8Text } from './fields.ts'
import type { WelcomeMessage } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { FragmentRecord, LogRecord, SkipRecord } from './log-record.ts'
import type { MemberEvent } from './member-interface.ts'
import { type Gap, maxGaps, type RecordPage } from './session-messages.ts'

/** A record and its sequence number. */
export interface SequencedRecord {
  readonly sequence: number
  readonly record: LogRecord
}

/** What the count of a gap holds on the wire. */
const maxGapRecords = 0xffff

/** A member's copy of the log: records come in any order, several times or not at all, and leave once and in sequence. */
export class ReorderBuffer {
  readonly #early = new Map<number, LogRecord>()
  #next: number
  #head: number

  /** `next`: the first sequence number wanted; `head`: the newest that is known to exist. */
  constructor(next: number, head: number) {
    this.#next = next
    this.#head = head
  }

  /** All records up to here have come. */
  get received(): number {
    return this.#next - 1
  }

  get complete(): boolean {
    return this.#next > this.#head
  }

  /** The relay says how far its log goes. */
  learnHead(head: number): void {
    this.#head = Math.max(this.#head, head)
  }

  /** Adds what came and returns what is in sequence now. */
  add(page: RecordPage): readonly SequencedRecord[] {
    let sequence = page.first
    for (const record of page.records) {
      this.#keep(sequence, record)
      sequence += widthOf(record)
    }
    this.learnHead(sequence - 1)
    return [...this.#ready()]
  }

  /** What is missing, oldest first, at most as much as one acknowledgement asks for. */
  gaps(): readonly Gap[] {
    const gaps: Gap[] = []
    let from = this.#next
    for (const sequence of [...this.#early.keys()].sort((a, b) => a - b)) {
      addGap(gaps, from, sequence)
      from = Math.max(from, sequence + widthOf(this.#early.get(sequence)))
    }
    addGap(gaps, from, this.#head + 1)
    return gaps.slice(0, maxGaps)
  }

  #keep(sequence: number, record: LogRecord): void {
    const end = sequence + widthOf(record)
    if (end <= this.#next) return
    if (sequence > this.#next && this.#early.size >= datagramLimits.earlyRecords) return
    const from = Math.max(sequence, this.#next)
    if (this.#early.has(from)) return
    this.#early.set(from, record.kind === 'skip' ? { kind: 'skip', count: this.#skipEnd(from, end) - from } : record)
  }

  /** The end of a skip, or the first record within it that has come after all. */
  #skipEnd(from: number, end: number): number {
    let until = end
    for (const sequence of this.#early.keys()) if (sequence > from && sequence < until) until = sequence
    return until
  }

  *#ready(): Generator<SequencedRecord> {
    for (let record = this.#early.get(this.#next); record !== undefined; record = this.#early.get(this.#next)) {
      const sequence = this.#next
      this.#early.delete(sequence)
      this.#next += widthOf(record)
      if (record.kind === 'skip') this.#dropOld()
      yield { sequence, record }
    }
  }

  #dropOld(): void {
    for (const sequence of this.#early.keys()) if (sequence < this.#next) this.#early.delete(sequence)
  }
}

function widthOf(record: LogRecord | undefined): number {
  return record?.kind === 'skip' ? record.count : 1
}

function addGap(gaps: Gap[], from: number, end: number): void {
  if (end > from) gaps.push({ from, count: Math.min(end - from, maxGapRecords) })
}

/** Turns records in sequence into what a person is shown: reassembles messages, leaves out comings and goings before one's own. */
export class MessageAssembler {
  readonly #welcome: WelcomeMessage
  readonly #show: (event: MemberEvent) => void
  #fragments: FragmentRecord[] = []

  constructor(welcome: WelcomeMessage, show: (event: MemberEvent) => void) {
    this.#welcome = welcome
    this.#show = show
  }

  /** Records at the end that wait for the other fragments of their message. */
  get unfinished(): number {
    return this.#fragments.length
  }

  read({ sequence, record }: SequencedRecord): void {
    const past = sequence < this.#welcome.joinedSequence
    if (record.kind === 'fragment') this.#fragment(record, sequence, past)
    else if (record.kind === 'skip') this.#skip(sequence, record.count)
    else if (!past) this.#event(sequence, record)
  }

  #event(sequence: number, record: Exclude<LogRecord, FragmentRecord | SkipRecord>): void {
    const { kind, at } = record
    if (kind === 'notice') this.#show({ type: kind, sequence, at, text: utf8Text(record.bytes) ?? '' })
    else if (kind === 'left') {
      // That one fell silent oneself is known by the time one is back.
      if (!this.#isOwn(record.member))
        this.#show({ type: kind, sequence, at, name: record.name, reason: record.reason })
    } else this.#show({ type: kind, sequence, at, name: record.name, own: this.#isOwn(record.member) })
  }

  #skip(sequence: number, skipped: number): void {
    this.#fragments = []
    // Of what was skipped, only that is missed which came after one's own joining.
    const count = sequence + skipped - Math.max(sequence, this.#welcome.joinedSequence)
    if (count > 0) this.#show({ type: 'missed', count })
  }

  #isOwn(member: number): boolean {
    return member === this.#welcome.member
  }

  #fragment(record: FragmentRecord, sequence: number, past: boolean): void {
    this.#fragments = record.index === 0 ? [record] : [...this.#fragments, record]
    if (this.#fragments.length !== record.index + 1) this.#fragments = []
    if (this.#fragments.length === 0 || record.index + 1 < record.count) return
    const text = utf8Text(Buffer.concat(this.#fragments.map(({ bytes }) => bytes)))
    this.#fragments = []
    if (text === undefined) return
    const { at, name, action, member } = record
    this.#show({ type: 'said', sequence, at, name, text, action, own: this.#isOwn(member), past })
  }
}
