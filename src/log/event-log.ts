import { type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { StorageError } from '../base/errors.ts'
import type { NetlabEvent } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import type { StartThread } from '../base/threads.ts'
import { Counter, type LogEndpoint, makeEndpoints } from './endpoint.ts'
import { type EventLogWriter, LineWriter } from './line-writer.ts'
import type { LogFailure, LogReport, LogSettings, LogThreadData } from './messages.ts'

/** The main thread's event log: it records like any other thread, and governs the log thread. */
export interface EventLog extends EventLogWriter {
  /** Resolves when the file is open; what is recorded before waits. Rejects with StorageError when it can't be opened. */
  readonly opened: Promise<void>
  /** Empties the log and removes its old files; what is recorded from this call on stays. Rejects with StorageError. */
  clear(): Promise<void>
  /** The last `count` lines of the file, oldest first, as they stand there (JSON; see `renderLine`). Rejects with StorageError. */
  tail(count: number): Promise<string[]>
  /** Writes what all threads recorded up to now, and ends the log thread. Later events go nowhere. */
  close(): Promise<void>
  /**
   * The same while the process ends: blocks. Belongs into the process's 'exit' listener, which also runs on an uncaught
   * exception. False when it took longer than `timeoutMs`.
   */
  closeSync(timeoutMs?: number): boolean
}

interface Waiting {
  readonly resolve: (lines: string[]) => void
  readonly reject: (error: StorageError) => void
}

/**
 * Starts the log thread; `to: 'none'` starts nothing. `onConsoleLine` gets each line for the terminal, `onTrouble` a sentence
 * when the log can't be kept as it should. Neither may throw. Rejects with StorageError when the file can't be opened.
 */
export async function startLog(
  settings: LogSettings,
  startThread: StartThread,
  clock: Clock,
  onConsoleLine: (text: string) => void,
  onTrouble: (sentence: string) => void,
): Promise<EventLog> {
  const log = launchLog(settings, startThread, clock, onConsoleLine, onTrouble)
  await log.opened
  return log
}

/** The same, for who has other things to start meanwhile: await `opened` before anything is promised to anybody. */
export function launchLog(
  settings: LogSettings,
  startThread: StartThread,
  clock: Clock,
  onConsoleLine: (text: string) => void,
  onTrouble: (sentence: string) => void,
): EventLog {
  return settings.to === 'none' ? noLog : new ThreadLog(settings, startThread, clock, onConsoleLine, onTrouble)
}

const noLog: EventLog = {
  opened: Promise.resolve(),
  record: () => {},
  flush: () => {},
  fork: () => null,
  drain: () => true,
  clear: async () => {},
  tail: async () => [],
  close: async () => {},
  closeSync: () => true,
}

class ThreadLog implements EventLog {
  readonly opened: Promise<void>
  readonly #port: MessagePort
  readonly #counters: Int32Array
  readonly #writer: LineWriter
  readonly #worker: Worker
  readonly #ended = Promise.withResolvers<void>()
  readonly #opening = Promise.withResolvers<void>()
  readonly #onConsoleLine: (text: string) => void
  readonly #onTrouble: (sentence: string) => void
  readonly #waiting = new Map<number, Waiting>()
  #tickets = 0
  #closing = false

  constructor(
    settings: LogSettings,
    startThread: StartThread,
    clock: Clock,
    onConsoleLine: (text: string) => void,
    onTrouble: (sentence: string) => void,
  ) {
    this.#onConsoleLine = onConsoleLine
    this.#onTrouble = onTrouble
    this.opened = this.#opening.promise
    // Whoever awaits it hears of a failure.
    this.opened.catch(() => undefined)
    const { near, far } = makeEndpoints()
    this.#port = near.port
    this.#counters = new Int32Array(near.counters)
    this.#writer = new LineWriter(near, clock, undefined, () => this.#takeReports())
    near.port.on('message', (report: LogReport) => this.#handle(report))
    const data: LogThreadData = { settings, main: far }
    this.#worker = startThread('log', { name: 'netlab-log', data, transfer: [far.port] })
    this.#worker.on('error', (error) => this.#onTrouble(`the log thread failed: ${error.message}`))
    this.#worker.on('exit', () => this.#onExit())
  }

  record(event: NetlabEvent): void {
    this.#writer.record(event)
  }

  flush(): void {
    this.#writer.flush()
  }

  fork(): LogEndpoint {
    return this.#writer.fork()
  }

  drain(timeoutMs: number): boolean {
    return this.#writer.drain(timeoutMs)
  }

  async clear(): Promise<void> {
    await this.#ask((ticket) => ({ type: 'clear', ticket }))
  }

  tail(count: number): Promise<string[]> {
    return this.#ask((ticket) => ({ type: 'tail', ticket, count }))
  }

  async close(): Promise<void> {
    this.#hold()
    this.#sendClose()
    await this.#ended.promise
  }

  closeSync(timeoutMs: number = limits.logDrainMs): boolean {
    this.#sendClose()
    const closed = this.#writer.waitUntil(() => Atomics.load(this.#counters, Counter.closed) !== 0, timeoutMs)
    this.#takeReports()
    return closed
  }

  #sendClose(): void {
    this.#writer.flush()
    if (!this.#closing) this.#writer.send({ type: 'close' })
    this.#closing = true
  }

  #ask(
    request: (ticket: number) => { type: 'clear'; ticket: number } | { type: 'tail'; ticket: number; count: number },
  ) {
    if (this.#closing) return Promise.reject(endedError())
    const { promise, resolve, reject } = Promise.withResolvers<string[]>()
    const ticket = ++this.#tickets
    this.#waiting.set(ticket, { resolve, reject })
    this.#hold()
    this.#writer.flush()
    this.#writer.send(request(ticket))
    return promise
  }

  /** Keeps the process alive until nothing is waited for any more. */
  #hold(): void {
    this.#port.ref()
    this.#worker.ref()
  }

  #letGo(): void {
    if (this.#waiting.size > 0 || this.#closing) return
    this.#port.unref()
    this.#worker.unref()
  }

  #takeReports(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port))
      this.#handle(next.message)
  }

  #handle(report: LogReport): void {
    switch (report.type) {
      case 'opened':
        this.#opening.resolve()
        this.#letGo()
        break
      case 'failed':
        this.#closing = true
        this.#opening.reject(errorOf(report.failure))
        break
      case 'done':
        this.#finish(report.ticket, (waiting) => waiting.resolve([...report.lines]))
        break
      case 'undone':
        this.#finish(report.ticket, (waiting) => waiting.reject(errorOf(report.failure)))
        break
      case 'console':
        this.#show(report.text)
        break
      case 'trouble':
        this.#onTrouble(report.sentence)
    }
  }

  #show(text: string): void {
    for (const line of text.split('\n')) if (line !== '') this.#onConsoleLine(line)
    this.#writer.send({ type: 'shown', length: text.length })
  }

  #finish(ticket: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(ticket)
    this.#waiting.delete(ticket)
    if (waiting !== undefined) settle(waiting)
    this.#letGo()
  }

  #onExit(): void {
    this.#takeReports()
    if (!this.#closing) this.#onTrouble('the log thread ended; nothing is logged any more')
    this.#closing = true
    Atomics.store(this.#counters, Counter.closed, 1)
    this.#opening.reject(endedError())
    for (const [, waiting] of this.#waiting) waiting.reject(endedError())
    this.#waiting.clear()
    this.#port.close()
    this.#ended.resolve()
  }
}

function endedError(): StorageError {
  return new StorageError('LOG_ENDED', 'the log has ended', { hint: 'start the server again' })
}

function errorOf(failure: LogFailure): StorageError {
  return new StorageError(failure.code, failure.message, { hint: failure.hint })
}
