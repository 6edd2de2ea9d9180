import { MessagePort, receiveMessageOnPort, type Transferable } from 'node:worker_threads'
import { restoreError, type SerializedError, serializeError } from './errors.ts'
import type { Thread } from './threads.ts'

/**
 * What one side of two threads may call at the other: a name, one argument, one result. Both must survive structured
 * cloning. A handler of a request also gets a signal that is aborted when the caller gives up or goes away.
 */
// biome-ignore lint/suspicious/noExplicitAny: only an upper bound; every side has exact types of its own.
export type Calls = Record<string, (argument: any, signal: AbortSignal) => unknown>

type Argument<C extends Calls, K extends keyof C> = Parameters<C[K]>[0]
type Result<C extends Calls, K extends keyof C> = Awaited<ReturnType<C[K]>>

export interface RequestOptions {
  /** Tells the other side that nobody waits any more; whether it answers all the same is for it to decide. */
  readonly signal?: AbortSignal | undefined
  /** Sockets, ports and buffers in the argument that move to the other thread. */
  readonly transfer?: readonly Transferable[]
}

/** One end of a typed conversation between two threads. */
export interface Rpc<Remote extends Calls> {
  /** Calls without waiting for an answer. A message that can't be delivered is lost. */
  notify<K extends keyof Remote & string>(
    name: K,
    argument: Argument<Remote, K>,
    transfer?: readonly Transferable[],
  ): void
  /**
   * Calls and waits. Rejects with what the other side threw (a NetlabError keeps its class, code, exit and hint), or when
   * the connection closes first. Answers of handlers that don't wait come in the order of the requests.
   */
  request<K extends keyof Remote & string>(
    name: K,
    argument: Argument<Remote, K>,
    options?: RequestOptions,
  ): Promise<Result<Remote, K>>
  /** Handles what has arrived already, for a thread that blocks instead of turning its event loop. */
  poll(): void
  /** Rejects what still waits, and what is requested from now on, with `why`; aborts what runs here for the other side. */
  close(why: Error): void
}

type Message =
  | { readonly call: string; readonly argument: unknown; readonly id?: number }
  | { readonly cancel: number }
  | { readonly answer: number; readonly result: unknown }
  | { readonly answer: number; readonly error: SerializedError }

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
}

/**
 * Connects `local`, what the other side may call, to `port`. A MessagePort that closes closes the connection; of a thread
 * its owner says so by `close`, since only the owner knows why it ended. A notification whose handler throws is a bug of
 * ours and ends the process, as any other uncaught exception.
 */
export function openRpc<Remote extends Calls, Local extends Calls = Record<never, never>>(
  port: MessagePort | Thread,
  local: Local,
): Rpc<Remote> {
  const pending = new Map<number, Pending>()
  const running = new Map<number, AbortController>()
  let lastId = 0
  let closed: Error | undefined

  const post = (message: Message, transfer?: readonly Transferable[]): void => {
    if (transfer === undefined) port.postMessage(message)
    else port.postMessage(message, transfer)
  }

  const answer = (id: number, name: string, argument: unknown): void => {
    const caller = new AbortController()
    running.set(id, caller)
    const succeed = (result: unknown): void => {
      running.delete(id)
      if (closed === undefined) post({ answer: id, result })
    }
    const fail = (error: unknown): void => {
      running.delete(id)
      if (closed === undefined) post({ answer: id, error: serializeError(error) })
    }
    try {
      const handler = local[name]
      if (handler === undefined) throw new Error(`this thread has no handler for "${name}"`)
      const result = handler(argument, caller.signal)
      // A handler that doesn't wait is answered at once, so that answers keep the order of their requests.
      if (result instanceof Promise) result.then(succeed).catch(fail)
      else succeed(result)
    } catch (error) {
      fail(error)
    }
  }

  const receive = (message: Message): void => {
    if ('call' in message) {
      if (message.id !== undefined) answer(message.id, message.call, message.argument)
      else local[message.call]?.(message.argument, neverAborted)
    } else if ('cancel' in message) running.get(message.cancel)?.abort()
    else {
      const call = pending.get(message.answer)
      pending.delete(message.answer)
      if ('error' in message) call?.reject(restoreError(message.error))
      else call?.resolve(message.result)
    }
  }

  const close = (why: Error): void => {
    if (closed !== undefined) return
    closed = why
    port.off('message', receive)
    for (const { reject } of pending.values()) reject(why)
    pending.clear()
    for (const caller of running.values()) caller.abort()
    running.clear()
  }

  port.on('message', receive)
  if (port instanceof MessagePort) port.once('close', () => close(new Error('the thread at the other end has ended')))

  return {
    notify: (name, argument, transfer) => post({ call: name, argument }, transfer),
    request(name, argument, { signal, transfer } = {}) {
      if (closed !== undefined) return Promise.reject(closed)
      const id = ++lastId
      const cancel = (): void => post({ cancel: id })
      const forget = (): void => signal?.removeEventListener('abort', cancel)
      return new Promise((resolve, reject) => {
        pending.set(id, {
          resolve(result) {
            forget()
            // The other side is typed by `Remote`; what arrives is what its handler returned.
            resolve(result as Result<Remote, typeof name>)
          },
          reject(error) {
            forget()
            reject(error)
          },
        })
        post({ call: name, id, argument }, transfer)
        if (signal?.aborted === true) cancel()
        else signal?.addEventListener('abort', cancel, { once: true })
      })
    },
    poll() {
      if (!(port instanceof MessagePort)) return
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        receive(next.message)
      }
    },
    close,
  }
}

/** For notifications: nobody waits for what they do. */
const neverAborted = new AbortController().signal
