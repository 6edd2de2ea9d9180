import type { MessagePort } from 'node:worker_threads'
import type { Mark, Remembered } from './history.ts'
import type { MessageRows } from './history-rows.ts'
import type { HistoryStoreOptions } from './history-store.ts'
import type { HistoryPage, HistoryRange } from './message.ts'

/** What the store thread's entry finds in its `workerData` when it is to keep the history; moves with its port. */
export interface HistoryThreadData {
  readonly role: 'history'
  readonly port: MessagePort
  readonly options: HistoryStoreOptions
}

/** To the store thread: `open` first. Each but `close` is answered once, in order. */
export type HistoryRequest =
  | { readonly type: 'open' }
  | { readonly type: 'append'; readonly rows: MessageRows }
  | { readonly type: 'page'; readonly room: string; readonly range: HistoryRange }
  | { readonly type: 'mark'; readonly mark: Mark; readonly off: boolean }
  | { readonly type: 'close'; readonly nextId: number }

/** From the store thread: first `opened` or `unusable`, then an answer a request; `closed` is the last. */
export type HistoryReply =
  | { readonly type: 'opened'; readonly remembered: Remembered }
  | { readonly type: 'unusable'; readonly code: string; readonly text: string; readonly hint: string }
  | { readonly type: 'answer'; readonly error?: string | undefined; readonly page?: HistoryPage | undefined }
  | { readonly type: 'closed' }
