import type { MessagePort, Transferable } from 'node:worker_threads'
import { type ExitCode, NetlabError } from '../base/errors.ts'
import type { Thread } from '../base/threads.ts'

/** What the other side can be asked: a name, one argument, one result. All of them must survive structured cloning. */
// biome-ignore lint/suspicious/noExplicitAny: only an upper bound; every link has exact types of its own.
export type Calls = Record<string, (argument: any) => unknown>

type Argument<C extends Calls, K extends keyof C> = Parameters<C[K]>[0]
type Result<C extends Calls, K extends keyof C> = Awaited<ReturnType<C[K]>>

/** One end of a conversation between two threads. */
export interface Link<Remote extends Calls> {
  /** Calls without waiting for an answer. */
  tell<K extends keyof Remote & string>(
    name: K,
    argument: Argument<Remote, K>,
    transfer?: readonly Transferable[],
  ): void
  /** Calls and waits. Rejects with what the other side threw, or when the link closes first. */
  ask<K extends keyof Remote & string>(name: K, argument: Argument<Remote, K>): Promise<Result<Remote, K>>
  /** Rejects what is still waiting, and what is asked from now on, with `why`; later answers are ignored. */
  close(why: Error): void
}

interface Message {
  readonly call?: string
  readonly answer?: number
  readonly id?: number
  readonly value?: unknown
  readonly error?: ErrorText
}

/** An error that crosses a thread boundary: classes don't, texts do. */
export interface ErrorText {
  readonly code: string
  readonly exit: ExitCode | undefined
  readonly message: string
  readonly hint: string | undefined
}

export function errorText(error: unknown): ErrorText {
  if (error instanceof NetlabError) {
    return { code: error.code, exit: error.exit, message: error.message, hint: error.hint }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'UNKNOWN', exit: undefined, message, hint: undefined }
}

export function errorFromText(text: ErrorText): Error {
  if (text.exit === undefined) return new Error(text.message)
  return new NetlabError(text.code, text.exit, text.message, text.hint === undefined ? {} : { hint: text.hint })
}

/** Connects `local`, what the other side may call, to `port`. */
export function connectLink<Remote extends Calls, Local extends Calls>(
  port: MessagePort | Thread,
  local: Local,
): Link<Remote> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let nextId = 1
  let closed: Error | undefined

  const post = (message: Message, transfer?: readonly Transferable[]): void => {
    if (transfer === undefined) port.postMessage(message)
    else port.postMessage(message, transfer)
  }

  const answer = async (id: number, name: string, argument: unknown): Promise<void> => {
    try {
      post({ answer: id, value: await local[name]?.(argument) })
    } catch (error) {
      post({ answer: id, error: errorText(error) })
    }
  }

  const receive = (message: Message): void => {
    if (message.call !== undefined) {
      if (message.id === undefined) local[message.call]?.(message.value)
      else void answer(message.id, message.call, message.value)
    } else if (message.answer !== undefined) {
      const call = waiting.get(message.answer)
      waiting.delete(message.answer)
      if (message.error === undefined) call?.resolve(message.value)
      else call?.reject(errorFromText(message.error))
    }
  }
  port.on('message', receive)

  return {
    tell: (name, argument, transfer) => post({ call: name, value: argument }, transfer),
    ask(name, argument) {
      if (closed !== undefined) return Promise.reject(closed)
      const id = nextId++
      return new Promise((resolve, reject) => {
        // The other side is typed by `Remote`; what arrives is what its handler returned.
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
        post({ call: name, id, value: argument })
      })
    },
    close(why) {
      closed = why
      port.off('message', receive)
      for (const { reject } of waiting.values()) reject(why)
      waiting.clear()
    },
  }
}
