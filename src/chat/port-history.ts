import type { MessagePort } from 'node:worker_threads'
import { StorageError } from '../base/errors.ts'
import type { History, Mark, Remembered } from './history.ts'
import type { HistoryReply, HistoryRequest } from './history-messages.ts'
import { toRows } from './history-rows.ts'
import type { ChatMessage, HistoryPage, HistoryRange } from './message.ts'

type Answer = Extract<HistoryReply, { type: 'answer' }>

/** The history in the store thread. Answers come in the order of the questions. */
export class PortHistory implements History {
  readonly #port: MessagePort
  readonly #waiting: ((answer: Answer) => void)[] = []
  #closed: (() => void) | undefined
  #dead = false

  private constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (reply: HistoryReply) => {
      if (reply.type === 'answer') this.#waiting.shift()?.(reply)
    })
    port.on('close', () => this.#end())
  }

  /** Has the store thread open the file. @throws {StorageError} when it can't */
  static async open(port: MessagePort): Promise<{ readonly history: PortHistory; readonly remembered: Remembered }> {
    const first = await new Promise<HistoryReply | undefined>((resolve) => {
      port.once('message', resolve)
      port.once('close', () => resolve(undefined))
      port.postMessage({ type: 'open' } satisfies HistoryRequest)
    })
    if (first?.type === 'opened') return { history: new PortHistory(port), remembered: first.remembered }
    if (first?.type === 'unusable') throw new StorageError(first.code, first.text, { hint: first.hint })
    throw new StorageError('DATABASE', 'the thread that keeps the chat history ended before it began')
  }

  append(messages: readonly ChatMessage[], done: (error: string | undefined) => void): void {
    this.#ask({ type: 'append', rows: toRows(messages) }, ({ error }) => done(error))
  }

  page(room: string, range: HistoryRange, done: (page: HistoryPage | undefined) => void): void {
    this.#ask({ type: 'page', room, range }, ({ page }) => done(page))
  }

  mark(mark: Mark, off: boolean, done: (error: string | undefined) => void): void {
    this.#ask({ type: 'mark', mark, off }, ({ error }) => done(error))
  }

  /** After everything asked before; `nextId` is the first id that was never handed out. */
  close(nextId: number): Promise<void> {
    if (this.#dead) return Promise.resolve()
    return new Promise((resolve) => {
      this.#closed = resolve
      this.#port.postMessage({ type: 'close', nextId } satisfies HistoryRequest)
    })
  }

  #ask(request: HistoryRequest, answered: (answer: Answer) => void): void {
    if (this.#dead) {
      answered(lost)
      return
    }
    this.#waiting.push(answered)
    this.#port.postMessage(request)
  }

  #end(): void {
    this.#dead = true
    for (const answered of this.#waiting.splice(0)) answered(lost)
    this.#closed?.()
  }
}

const lost: Answer = { type: 'answer', error: 'the thread that keeps the history has ended' }
