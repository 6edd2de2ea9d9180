import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { errorCode, errorMessage, StorageError } from '../base/errors.ts'
import type { EventSink, NetlabEvent } from '../base/events.ts'
import type { StartThread } from '../base/threads.ts'
import { type AccountCalls, type Accounts, Revocations, type SessionEnd } from './accounts.ts'
import type { AccountsConfig, AccountsServices } from './local-accounts.ts'

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
    const { openAccounts } = await import('./local-accounts.ts')
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

type Method = keyof AccountCalls

/** From a client's thread to the owner's. */
type Request =
  | { readonly call: number; readonly method: Method; readonly request: unknown }
  | { readonly cancel: number }

/** And back. */
type Reply =
  | { readonly call: number; readonly outcome: unknown }
  | { readonly call: number; readonly error: string }
  | { readonly over: number; readonly why: SessionEnd }

interface Pending {
  resolve(outcome: unknown): void
  reject(error: Error): void
}

/** The accounts of another thread: the same calls, as messages. `port` leads to an `attachAccounts`. */
export class RemoteAccounts implements Accounts {
  readonly #port: MessagePort
  readonly #pending = new Map<number, Pending>()
  readonly #revocations = new Revocations()
  #lastCall = 0
  #closed = false

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (reply: Reply) => this.#take(reply))
    port.on('close', () => this.#close())
  }

  readonly nameOf: AccountCalls['nameOf'] = (request) => this.#call('nameOf', request)
  readonly identify: AccountCalls['identify'] = (request) => this.#call('identify', request)
  readonly login: AccountCalls['login'] = (request, signal) => this.#call('login', request, signal)
  readonly register: AccountCalls['register'] = (request, signal) => this.#call('register', request, signal)
  readonly resume: AccountCalls['resume'] = (request) => this.#call('resume', request)
  readonly sessions: AccountCalls['sessions'] = (request) => this.#call('sessions', request)
  readonly logout: AccountCalls['logout'] = (request) => this.#call('logout', request)
  readonly changePassword: AccountCalls['changePassword'] = (request, signal) =>
    this.#call('changePassword', request, signal)
  readonly clear: AccountCalls['clear'] = (request) => this.#call('clear', request)

  onEnd(session: number, callback: (why: SessionEnd) => void): () => void {
    return this.#revocations.watch(session, callback)
  }

  #call<M extends Method>(
    method: M,
    request: Parameters<AccountCalls[M]>[0],
    signal?: AbortSignal,
  ): ReturnType<AccountCalls[M]> {
    const call = ++this.#lastCall
    const outcome = new Promise<unknown>((resolve, reject) => {
      if (this.#closed) return reject(gone())
      const cancel = () => this.#post({ cancel: call })
      const done = () => signal?.removeEventListener('abort', cancel)
      this.#pending.set(call, {
        resolve(value) {
          done()
          resolve(value)
        },
        reject(error) {
          done()
          reject(error)
        },
      })
      this.#post({ call, method, request })
      if (signal?.aborted === true) cancel()
      else signal?.addEventListener('abort', cancel, { once: true })
    })
    // The owner answers each call with what the method of that name answers.
    return outcome as ReturnType<AccountCalls[M]>
  }

  #post(message: Request): void {
    this.#port.postMessage(message)
  }

  #take(reply: Reply): void {
    if ('over' in reply) {
      this.#revocations.announce(reply.over, reply.why)
      return
    }
    const pending = this.#pending.get(reply.call)
    this.#pending.delete(reply.call)
    if ('error' in reply) pending?.reject(new Error(reply.error))
    else pending?.resolve(reply.outcome)
  }

  #close(): void {
    this.#closed = true
    for (const { reject } of this.#pending.values()) reject(gone())
    this.#pending.clear()
  }
}

/** The owner's accounts, which know of everyone's sessions. */
export interface OwnedAccounts extends Accounts {
  readonly revocations: Revocations
}

/** Answers the calls that come through `port`, whose other end a `RemoteAccounts` has, until it closes. */
export function attachAccounts(port: MessagePort, accounts: OwnedAccounts): void {
  const running = new Map<number, AbortController>()
  const post = (reply: Reply): void => port.postMessage(reply)
  const forget = accounts.revocations.watchAll((session, why) => post({ over: session, why }))

  const answer = async (call: number, method: Method, request: unknown): Promise<void> => {
    const leaving = new AbortController()
    running.set(call, leaving)
    try {
      const run = accounts[method] as (request: unknown, signal: AbortSignal) => Promise<unknown>
      post({ call, outcome: await run.call(accounts, request, leaving.signal) })
    } catch (error) {
      post({ call, error: errorMessage(error) })
    } finally {
      running.delete(call)
    }
  }

  port.on('message', (message: Request) => {
    if ('cancel' in message) running.get(message.cancel)?.abort()
    else void answer(message.call, message.method, message.request)
  })
  port.on('close', () => {
    forget()
    for (const leaving of running.values()) leaving.abort()
  })
}

function gone(): Error {
  return new Error('the thread that owns the accounts is gone')
}
