import type { MessagePort } from 'node:worker_threads'
import { errorMessage } from '../base/errors.ts'
import type { AccountCalls, Accounts, SessionEnd } from './accounts.ts'
import { Revocations } from './revocations.ts'

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
