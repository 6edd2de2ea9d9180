import type { MessagePort } from 'node:worker_threads'
import type { Clock, Timer } from '../base/clock.ts'
import { openRpc } from '../base/rpc.ts'
import type { HistoryCalls, HistoryStoreOptions } from './history.ts'
import { HistoryStore } from './history-store.ts'
import { chatLimits } from './limits.ts'

/** What the store thread's entry finds in its `workerData` when it is to keep the history; moves with its port. */
export interface HistoryThreadData {
  readonly role: 'history'
  readonly port: MessagePort
  readonly options: HistoryStoreOptions
}

/** The store thread's share of the chat: opens the history when asked to, and serves until it is asked to close. */
export function runHistory({ port, options }: Omit<HistoryThreadData, 'role'>, clock: Clock): void {
  let opened: HistoryStore | undefined
  let timer: Timer | undefined
  const store = (): HistoryStore => {
    if (opened === undefined) throw new Error('the history is not open')
    return opened
  }
  const prune = (force: boolean): void => {
    try {
      store().prune(clock.now(), force)
    } catch {
      // On a full disk there may be no room to forget in. It is tried again, and the appends say what is wrong.
    }
  }
  const pruneLater = (): void => {
    timer = clock.after(
      chatLimits.pruneMs,
      () => {
        prune(true)
        pruneLater()
      },
      { background: true },
    )
  }
  const calls: HistoryCalls = {
    open() {
      opened = new HistoryStore(options)
      opened.prune(clock.now(), true)
      pruneLater()
      return opened.remembered()
    },
    append(rows) {
      store().append(rows)
      // Behind the answer: members wait for that.
      queueMicrotask(() => prune(false))
    },
    page: ({ room, range }) => store().page(room, range),
    moderate: ({ entry, off }) => store().moderate(entry, off),
    close(nextId) {
      timer?.cancel()
      store().close(nextId)
    },
  }
  openRpc<Record<never, never>, HistoryCalls>(port, calls)
}
