import { EventEmitter, once } from 'node:events'
import type { MessagePort, Transferable } from 'node:worker_threads'
import type { Thread } from '../base/threads.ts'

/** What a lent thread says of its own end; everything else is for whom it was lent to. */
export interface LastWords {
  readonly thrown: string
}

/**
 * A thread that the main thread has started and this one uses, by the port that leads to it. It ends when the port closes, and
 * so it does not outlive who uses it.
 */
export class LentThread extends EventEmitter implements Thread {
  readonly #port: MessagePort

  constructor(port: MessagePort) {
    super()
    this.#port = port
    port.on('message', (message: unknown) => {
      if (isLastWords(message)) this.emit('error', new Error(message.thrown))
      else this.emit('message', message)
    })
    port.on('close', () => this.emit('exit'))
  }

  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, [...transfer])
  }

  async terminate(): Promise<void> {
    const closed = once(this.#port, 'close')
    this.#port.close()
    await closed
  }

  ref(): void {
    this.#port.ref()
  }

  unref(): void {
    this.#port.unref()
  }
}

function isLastWords(message: unknown): message is LastWords {
  return typeof message === 'object' && message !== null && 'thrown' in message
}
