import type { ChatMessage, HistoryPage, HistoryRange } from './message.ts'

/** What operators decided about rooms, kept over restarts. `op` belongs to no room: its room is ''. */
export interface Mark {
  readonly kind: 'topic' | 'ban' | 'mute' | 'op'
  readonly room: string
  /** Whom it is about; '' for a topic. */
  readonly name: string
  /** The topic; '' for the others. */
  readonly text: string
}

/** What a chat starts from: everything it needs to go on where it was stopped or killed. */
export interface Remembered {
  /** The first id that was never handed out. */
  readonly nextId: number
  readonly marks: readonly Mark[]
  /** The latest messages that carried a client's own id, ascending by id. */
  readonly resends: readonly {
    readonly from: string
    readonly cid: string
    readonly id: number
    readonly at: number
  }[]
}

/** How much is kept, per room; 0 sets no limit. */
export interface HistoryLimit {
  readonly count: number
  readonly ageMs: number
}

/** What a chat without a store starts from. Ids begin at the time of day, so that they rise over restarts all the same. */
export function nothingRemembered(now: number): Remembered {
  return { nextId: now, marks: [], resends: [] }
}

/** Keeps nothing. */
export const noHistory: History = {
  append: (_messages, done) => done(undefined),
  page: (_room, _range, done) => done({ messages: [], more: false }),
  mark: (_mark, _off, done) => done(undefined),
}

/**
 * Where messages are kept. Calls are carried out and answered strictly in order: an answer to `page` shows exactly the
 * batches whose `append` was answered before it. The chat builds on that when a member resumes.
 */
export interface History {
  /** `done(undefined)` when all of them will outlive the process; with an error's text when none was kept. */
  append(messages: readonly ChatMessage[], done: (error: string | undefined) => void): void
  page(room: string, range: HistoryRange, done: (page: HistoryPage | undefined) => void): void
  /** Sets a mark, or takes it away. */
  mark(mark: Mark, off: boolean, done: (error: string | undefined) => void): void
}
