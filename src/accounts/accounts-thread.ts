import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { errorCode, errorMessage, StorageError } from '../base/errors.ts'
import type { EventSink, NetlabEvent } from '../base/events.ts'
import type { StartThread } from '../base/threads.ts'
import type { AccountsConfig, AccountsServices } from './open-accounts.ts'
import { attachAccounts, RemoteAccounts } from './remote-accounts.ts'

/** To the thread. */
type Order = { readonly attach: MessagePort } | { readonly close: true }

/** And from it. */
type News =
  | { readonly state: 'open' | 'closed' }
  | { readonly event: NetlabEvent }
  | { readonly failed: { readonly code: string; readonly message: string; readonly hint: string | undefined } }

/** What the store thread's entry finds in its `workerData` when it is to own the accounts. */
export interface AccountsThreadData {
  readonly role: 'accounts'
  readonly config: AccountsConfig
}

/** The owner of all accounts, in a thread of its own: its files and its database hold up nobody else. */
export class AccountsThread {
  readonly #post: (order: Order, transfer: readonly MessagePort[]) => void
  readonly #closed: Promise<void>
  readonly #own: RemoteAccounts

  private constructor(post: (order: Order, transfer: readonly MessagePort[]) => void, closed: Promise<void>) {
    this.#post = post
    this.#closed = closed
    const { port1, port2 } = new MessageChannel()
    this.attach(port2)
    this.#own = new RemoteAccounts(port1)
  }

  /**
   * Resolves once the stores are open; `fail` is told what turns up later, after which there are no accounts any more.
   * @throws {StorageError} when a store can't be used; the thread has ended then.
   */
  static open(
    config: AccountsConfig,
    startThread: StartThread,
    record: EventSink,
    fail: (error: Error) => void,
  ): Promise<AccountsThread> {
    const data: AccountsThreadData = { role: 'accounts', config }
    const worker = startThread('store', { name: 'accounts', data })
    const opened = Promise.withResolvers<AccountsThread>()
    const closed = Promise.withResolvers<void>()
    let running = false
    worker.on('message', (news: News) => {
      if ('event' in news) record(news.event)
      else if ('failed' in news) {
        const { code, message, hint } = news.failed
        const error = new StorageError(code, message, hint === undefined ? {} : { hint })
        opened.reject(error)
        if (running) fail(error)
      } else if (news.state === 'closed') void worker.terminate()
      else {
        running = true
        opened.resolve(
          new AccountsThread((order, transfer) => worker.postMessage(order, [...transfer]), closed.promise),
        )
      }
    })
    worker.on('error', (error) => {
      record({ type: 'fault', where: 'accounts thread', error: errorMessage(error) })
      opened.reject(error)
      if (running) fail(error)
    })
    worker.on('exit', () => {
      opened.reject(new Error('the accounts thread ended before it began'))
      closed.resolve()
    })
    return opened.promise
  }

  /** Whoever has the other end of `port` can make a `RemoteAccounts` of it, in any thread. */
  attach(port: MessagePort): void {
    this.#post({ attach: port }, [port])
  }

  /** Forgets every host, user and session; answers how many hosts and users there were. @throws {StorageError} */
  clear(): Promise<number> {
    return this.#own.clear({})
  }

  /** Everything acknowledged is on disk when this resolves, and the thread has ended. */
  close(): Promise<void> {
    this.#post({ close: true }, [])
    return this.#closed
  }
}

/** The program of that thread. */
export async function runAccountsThread(
  port: MessagePort,
  { config }: AccountsThreadData,
  services: Omit<AccountsServices, 'record'>,
): Promise<void> {
  const post = (news: News): void => port.postMessage(news)
  const record: EventSink = (event) => post({ event })
  try {
    // Here, because every thread of a server knows this file, and only this one needs argon2 and SQLite.
    const { openAccounts } = await import('./open-accounts.ts')
    const accounts = await openAccounts(config, { ...services, record })
    port.on('message', (order: Order) => {
      if ('attach' in order) {
        attachAccounts(order.attach, accounts)
        return
      }
      void accounts
        .close()
        .catch((error) => record({ type: 'fault', where: 'accounts', error: errorMessage(error) }))
        .then(() => post({ state: 'closed' }))
    })
    post({ state: 'open' })
    await accounts.load()
  } catch (error) {
    // A thread boundary keeps an error's text, not its class. What isn't ours to explain goes up as it is.
    if (!(error instanceof StorageError)) throw error
    post({ failed: { code: errorCode(error), message: error.message, hint: error.hint } })
  }
}
