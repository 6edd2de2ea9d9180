import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { StorageError } from '../base/errors.ts'
import type { NetlabEvent } from '../base/events.ts'
import type { StartThread, Thread } from '../base/threads.ts'
import { Counter, type LogEndpoint, makeEndpoints } from './endpoint.ts'
import { logLimits } from './limits.ts'
import { type EventLogWriter, LineWriter } from './line-writer.ts'
import { LogFile } from './log-file.ts'
import type { LogFailure, LogReport, LogSettings, LogThreadData } from './messages.ts'

/** The main thread's event log: it records like any other thread, and governs the log thread. */
export interface EventLog extends EventLogWriter {
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
 * when the log can't be kept as it should. Neither may throw. What is recorded before the thread is up waits for it.
 * @throws {StorageError} when the file can't be opened.
 */
export function startLog(
  settings: LogSettings,
  startThread: StartThread,
  clock: Clock,
  onConsoleLine: (text: string) => void,
  onTrouble: (sentence: string) => void,
): EventLog {
  if (settings.to === 'none') return noLog
  // The thread opens it again; to wait for that would take as long as to start a server.
  if (settings.to !== 'console') new LogFile({ path: settings.file, ...settings }, clock).close()
  return new ThreadLog(settings, startThread, clock, onConsoleLine, onTrouble)
}

const noLog: EventLog = {
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
  readonly #port: MessagePort
  readonly #counters: Int32Array
  readonly #writer: LineWriter
  readonly #start: () => Thread
  #worker: Thread | undefined
  readonly #ended = Promise.withResolvers<void>()
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
    const { near, far } = makeEndpoints()
    this.#port = near.port
    this.#counters = new Int32Array(near.counters)
    this.#writer = new LineWriter(near, clock, undefined, () => {
      this.#wake()
      this.#takeReports()
    })
    near.port.on('message', (report: LogReport) => this.#handle(report))
    const data: LogThreadData = { settings, main: far }
    this.#start = () => startThread('log', { name: 'netlab-log', data, transfer: [far.port] })
    clock.after(logLimits.startMs, () => this.#wake(), { background: true })
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

  closeSync(timeoutMs: number = logLimits.drainMs): boolean {
    this.#sendClose()
    const closed = this.#writer.waitUntil(() => Atomics.load(this.#counters, Counter.closed) !== 0, timeoutMs)
    this.#takeReports()
    return closed
  }

  /** Not at once, unless somebody waits for it: who starts has better use for the processor. */
  #wake(): Thread {
    if (this.#worker !== undefined) return this.#worker
    this.#worker = this.#start()
    this.#worker.on('error', (error) => this.#onTrouble(`the log thread failed: ${error.message}`))
    this.#worker.on('exit', () => this.#onExit())
    return this.#worker
  }

  #sendClose(): void {
    this.#wake()
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
    this.#wake().ref()
  }

  #letGo(): void {
    if (this.#waiting.size > 0 || this.#closing) return
    this.#port.unref()
    this.#worker?.unref()
  }

  #takeReports(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port))
      this.#handle(next.message)
  }

  #handle(report: LogReport): void {
    switch (report.type) {
      case 'opened':
        this.#letGo()
        break
      case 'failed':
        this.#closing = true
        this.#onTrouble(report.failure.message)
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
