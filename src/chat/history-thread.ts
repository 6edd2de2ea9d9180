import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { errorMessage, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { HistoryReply, HistoryRequest, HistoryThreadData } from './history-messages.ts'
import { HistoryStore, type HistoryStoreOptions } from './history-store.ts'
import type { HistoryPage } from './message.ts'

/** The store thread's share of the chat: opens the history when told to, says what it remembers, and serves until it is told to close. */
export function runHistory({ port, options }: Omit<HistoryThreadData, 'role'>, clock: Clock): void {
  port.once('message', () => serveHistory(port, options, clock))
}

function serveHistory(port: MessagePort, options: HistoryStoreOptions, clock: Clock): void {
  const reply = (message: HistoryReply): void => port.postMessage(message)
  let store: HistoryStore
  try {
    store = new HistoryStore(options)
    store.prune(clock.now(), true)
    reply({ type: 'opened', remembered: store.remembered() })
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    reply({ type: 'unusable', code: error.code, text: error.message, hint: error.hint ?? '' })
    port.close()
    return
  }
  const prune = (force: boolean): void => {
    try {
      store.prune(clock.now(), force)
    } catch {
      // On a full disk there may be no room to forget in. It is tried again, and the appends say what is wrong.
    }
  }
  const regularly = (): void => {
    prune(true)
    timer = clock.after(limits.chatPruneMs, regularly, { background: true })
  }
  let timer = clock.after(limits.chatPruneMs, regularly, { background: true })
  port.on('message', (request: Exclude<HistoryRequest, { type: 'open' }>) => {
    if (request.type === 'close') {
      timer.cancel()
      store.close(request.nextId)
      reply({ type: 'closed' })
      port.close()
      return
    }
    reply(answer(store, request))
    if (request.type === 'append') prune(false)
  })
}

function answer(store: HistoryStore, request: Exclude<HistoryRequest, { type: 'open' | 'close' }>): HistoryReply {
  let page: HistoryPage | undefined
  try {
    if (request.type === 'append') store.append(request.rows)
    else if (request.type === 'mark') store.mark(request.mark, request.off)
    else page = store.page(request.room, request.range)
    return { type: 'answer', page }
  } catch (error) {
    return { type: 'answer', error: errorMessage(error) }
  }
}
