import type { MessagePort } from 'node:worker_threads'
import { errorMessage, NetlabError, StorageError } from '../base/errors.ts'
import { openRpc, type Rpc } from '../base/rpc.ts'
import type { ChatMessage, HistoryPage, HistoryRange } from './message.ts'

/** What operators decided about rooms, kept over restarts. `op` and `claim` belong to no room: theirs is ''. */
export interface ModerationEntry {
  readonly kind: 'topic' | 'ban' | 'mute' | 'op' | 'claim'
  readonly room: string
  /** Whom it is about; '' for a topic. */
  readonly name: string
  /** The topic; '' for the others. */
  readonly text: string
  /**
   * The account that it is about. A right is nobody else's, whoever has the name later. '' where the person was not here when
   * somebody was banned or muted by name: that holds for whoever has the name.
   */
  readonly account: string
}

/**
 * A run of a server over a history: ids from `start` on were handed out by it, or by a later one. By the names of the runs it is
 * told whether two that have seen the same ids have seen the same messages: an older copy of a history that was put back
 * has other runs after it (as the leader epochs of Kafka tell logs apart, KIP-101).
 */
export interface Epoch {
  readonly name: string
  readonly start: number
}

/** What a chat starts from: everything it needs to go on where it was stopped or killed. */
export interface Remembered {
  /** The first id that was never handed out. */
  readonly nextId: number
  readonly moderation: readonly ModerationEntry[]
  /** All that are known, the run that begins now at the end; none where nothing is kept. */
  readonly epochs: readonly Epoch[]
  /** The latest messages that carried a client's own id, ascending by id: for the duplicate filter. */
  readonly clientIds: readonly {
    readonly from: string
    readonly cid: string
    readonly id: number
    readonly at: number
    /** By `fingerprint`. */
    readonly said: number
  }[]
}

/** How much is kept, per room; 0 sets no limit. */
export interface HistoryLimit {
  readonly count: number
  readonly ageMs: number
}

export interface HistoryStoreOptions {
  readonly file: string
  readonly limit: HistoryLimit
  /**
   * `power` waits for the disk at every commit (SQLite's synchronous = FULL); `process` leaves that to the system: what was
   * committed outlives a kill -9 of this program, but not a power cut in the next seconds (synchronous = NORMAL).
   */
  readonly durability: 'power' | 'process'
  /** For tests: a full disk at so many pages of 4 KiB. */
  readonly maxPages?: number
}

/**
 * Where messages are kept. Calls are carried out and answered strictly in order: an answer to `page` shows exactly the
 * batches whose `append` was answered before it. The chat builds on that when a member resumes.
 */
export interface History {
  /** `done(undefined)` when all of them will outlive the process; with an error's text when none was kept. */
  append(messages: readonly ChatMessage[], done: (error: string | undefined) => void): void
  page(room: string, range: HistoryRange, done: (page: HistoryPage | undefined) => void): void
  /** Keeps an entry, or takes it away. */
  moderate(entry: ModerationEntry, off: boolean, done: (error: string | undefined) => void): void
}

/** What a chat without a store starts from. Ids begin at the time of day, so that they rise over restarts all the same. */
export function nothingRemembered(now: number): Remembered {
  return { nextId: now, moderation: [], epochs: [], clientIds: [] }
}

/** Keeps nothing. */
export const noHistory: History = {
  append: (_messages, done) => done(undefined),
  page: (_room, _range, done) => done({ messages: [], more: false }),
  moderate: (_entry, _off, done) => done(undefined),
}

/**
 * Messages as the columns of their rows, one after another: flat, because that crosses to the store thread several times as
 * fast as objects, and because it is what the statement takes.
 */
export type MessageRows = readonly (string | number | null)[]

/**
 * Tells one message from another under the same client's id, by its kind, its room or the person it went to, and its text. 53 bits of
 * FNV-1a, twice 32 of them: nobody gains by two that are equal.
 */
export function fingerprint(kind: 'say' | 'me' | 'msg', where: string, text: string): number {
  let [low, high] = [0x811c9dc5, 0x9e3779b9]
  for (const part of [kind, where, text]) {
    for (let at = 0; at < part.length; at++) {
      const unit = part.charCodeAt(at)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x85ebca6b)
    }
    low = Math.imul(low ^ 0x1f, 0x01000193)
    high = Math.imul(high ^ 0x1f, 0x85ebca6b)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}

/** In the column `action`, which had only the first of them once. */
export const actionFlag = 1
export const operatorFlag = 2

export function toRows(messages: readonly ChatMessage[]): MessageRows {
  const rows: (string | number | null)[] = []
  for (const { room, id, at, from, text: said, cid, action, operator } of messages)
    rows.push(
      room,
      id,
      at,
      from,
      said,
      cid ?? null,
      (action === true ? actionFlag : 0) | (operator === true ? operatorFlag : 0),
    )
  return rows
}

/** What the store thread can be asked; each but `open` only after it. Everything is answered in order. */
export type HistoryCalls = {
  /** Opens the file. @throws {StorageError} when it can't be used */
  open(argument: undefined): Remembered
  append(rows: MessageRows): void
  page(query: { readonly room: string; readonly range: HistoryRange }): HistoryPage
  moderate(change: { readonly entry: ModerationEntry; readonly off: boolean }): void
  /** Notes the first id that was never handed out, and closes the file. */
  close(nextId: number): void
}

/** The history in the store thread. */
export class RemoteHistory implements History {
  readonly #port: MessagePort
  readonly #rpc: Rpc<HistoryCalls>
  #dead = false

  /** @param port leads to a thread that runs `runHistory` */
  constructor(port: MessagePort) {
    this.#port = port
    port.once('close', () => {
      this.#dead = true
      this.#rpc.close(new Error('the thread that keeps the history has ended'))
    })
    this.#rpc = openRpc(port, {})
  }

  /** Has the store thread open the file; comes before all else. @throws {StorageError} when it can't, or has ended */
  async open(): Promise<Remembered> {
    try {
      return await this.#rpc.request('open', undefined)
    } catch (error) {
      this.#port.close()
      if (error instanceof NetlabError) throw error
      throw new StorageError('DATABASE', `the chat history cannot be opened: ${errorMessage(error)}`, { cause: error })
    }
  }

  append(messages: readonly ChatMessage[], done: (error: string | undefined) => void): void {
    this.#rpc.request('append', toRows(messages)).then(() => done(undefined), failed(done))
  }

  page(room: string, range: HistoryRange, done: (page: HistoryPage | undefined) => void): void {
    this.#rpc.request('page', { room, range }).then(done, () => done(undefined))
  }

  moderate(entry: ModerationEntry, off: boolean, done: (error: string | undefined) => void): void {
    this.#rpc.request('moderate', { entry, off }).then(() => done(undefined), failed(done))
  }

  /**
   * After everything asked before; `nextId` is the first id that was never handed out. Resolves at once when the thread is
   * gone. Rejects when the file could not be closed.
   */
  async close(nextId: number): Promise<void> {
    try {
      await this.#rpc.request('close', nextId)
    } catch (error) {
      if (!this.#dead) throw error
    } finally {
      this.#port.close()
    }
  }
}

function failed(done: (error: string) => void): (error: unknown) => void {
  return (error) => done(errorMessage(error))
}
