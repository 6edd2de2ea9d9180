import { MessageChannel } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { errorMessage } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import type { StartThread } from '../base/threads.ts'
import { Chat } from './chat.ts'
import { noHistory, nothingRemembered } from './history.ts'
import type { HistoryThreadData } from './history-messages.ts'
import type { HistoryStoreOptions } from './history-store.ts'
import { PortHistory } from './port-history.ts'

export interface StartChatServices {
  readonly clock: Clock
  readonly record: EventSink
  readonly startThread: StartThread
}

export interface RunningChat {
  readonly chat: Chat
  /** Everything said is on disk when this resolves. */
  close(): Promise<void>
}

/**
 * Opens the history in a thread of its own, and the chat over it. Without `store` nothing is kept. The thread starts at once
 * and touches the file when `locked` resolves; what that rejects with, this rejects with. @throws {StorageError}
 */
export async function startChat(
  store: HistoryStoreOptions | undefined,
  { clock, record, startThread }: StartChatServices,
  locked: Promise<unknown>,
): Promise<RunningChat> {
  const common = { clock, record, defer: (callback: () => void) => void setImmediate(callback) }
  if (store === undefined) {
    await locked
    const chat = new Chat({ ...common, history: noHistory, remembered: nothingRemembered(clock.now()) })
    return { chat, close: async () => {} }
  }
  const { port1, port2 } = new MessageChannel()
  const data: HistoryThreadData = { role: 'history', port: port2, options: store }
  const worker = startThread('store', { name: 'history', data, transfer: [port2] })
  worker.on('error', (error) => record({ type: 'fault', where: 'history thread', error: errorMessage(error) }))
  // A thread that dies without a word leaves its port open at this end.
  worker.on('exit', () => port1.close())
  await locked.catch((error: unknown) => {
    port1.close()
    throw error
  })
  const { history, remembered } = await PortHistory.open(port1)
  const chat = new Chat({ ...common, history, remembered })
  return { chat, close: () => history.close(chat.nextId) }
}
