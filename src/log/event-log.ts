import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { StorageError } from '../base/errors.ts'
import type { NetlabEvent } from '../base/events.ts'
import { openRpc, type Rpc } from '../base/rpc.ts'
import type { StartThread, Thread } from '../base/threads.ts'
import { Counter, type LogEndpoint, makeEndpoints } from './endpoint.ts'
import { logLimits } from './limits.ts'
import { type EventLogWriter, LineWriter } from './line-writer.ts'
import { LogFile } from './log-file.ts'
import type { LogFilter } from './log-filter.ts'
import type { FollowNews, LogSettings, LogThreadCalls, LogThreadData, MainCalls } from './messages.ts'

/** The main thread's event log: it records like any other thread, and governs the log thread. */
export interface EventLog extends EventLogWriter {
  /** Empties the log and removes its old files; what is recorded from this call on stays. Rejects with StorageError. */
  clear(): Promise<void>
  /** The last `count` lines of the file, oldest first, as they stand there (JSON; see `renderLine`). Rejects with StorageError. */
  tail(count: number, filter?: LogFilter): Promise<string[]>
  /**
   * The same, and then each wanted line that this process records, until `signal` is aborted or the log ends; `show` resolves
   * when it has taken the lines. `missed` lines were left out before them, because the others were taken too slowly.
   */
  follow(
    count: number,
    filter: LogFilter,
    show: (lines: readonly string[], missed: number) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>
  /** Writes what all threads recorded up to now, and ends the log thread. Later events go nowhere. */
  close(): Promise<void>
  /**
   * The same while the process ends: blocks. Belongs into the process's 'exit' listener, which also runs on an uncaught
   * exception. False when it took longer than `timeoutMs`.
   */
  closeSync(timeoutMs?: number): boolean
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
  if (settings.to !== 'console') new LogFile({ path: settings.file, ...settings }).close()
  return new ThreadLog(settings, startThread, clock, onConsoleLine, onTrouble)
}

const noLog: EventLog = {
  record: () => {},
  flush: () => {},
  fork: () => null,
  drain: () => true,
  clear: async () => {},
  tail: async () => [],
  follow: async () => {},
  of: () => noLog,
  close: async () => {},
  closeSync: () => true,
}

class ThreadLog implements EventLog {
  readonly #port: MessagePort
  readonly #counters: Int32Array
  readonly #logThread: Rpc<LogThreadCalls>
  readonly #writer: LineWriter
  readonly #start: () => Thread
  #worker: Thread | undefined
  readonly #ended = Promise.withResolvers<void>()
  readonly #onTrouble: (sentence: string) => void
  readonly #followers = new Map<number, (news: FollowNews) => void>()
  #lastFollower = 0
  /** Requests that are not answered yet. */
  #pending = 0
  #closing = false

  constructor(
    settings: LogSettings,
    startThread: StartThread,
    clock: Clock,
    onConsoleLine: (text: string) => void,
    onTrouble: (sentence: string) => void,
  ) {
    this.#onTrouble = onTrouble
    const { near, far } = makeEndpoints(settings.origin)
    this.#port = near.port
    this.#counters = new Int32Array(near.counters)
    // Before the RPC's own listener, which knows no better reason.
    near.port.once('close', () => this.#logThread.close(endedError()))
    this.#logThread = openRpc<LogThreadCalls, MainCalls>(near.port, {
      opened: () => this.#letGo(),
      failed: (sentence) => {
        this.#closing = true
        onTrouble(sentence)
      },
      show: (text) => {
        for (const line of text.split('\n')) if (line !== '') onConsoleLine(line)
        this.#logThread.notify('shown', text.length)
      },
      trouble: (sentence) => onTrouble(sentence),
      followed: (news) => this.#followers.get(news.id)?.(news),
    })
    this.#writer = new LineWriter(near, this.#logThread, clock, logLimits, () => {
      this.#wake()
      this.#logThread.poll()
    })
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

  clear(): Promise<void> {
    return this.#request('clear', undefined)
  }

  tail(count: number, filter?: LogFilter): Promise<string[]> {
    return this.#request('tail', filter === undefined ? { count } : { count, filter })
  }

  async follow(...[count, filter, show, signal]: Parameters<EventLog['follow']>): Promise<void> {
    const id = ++this.#lastFollower
    const shown = (news: FollowNews): void => {
      const length = news.lines.length
      const done = (): void => this.#logThread.notify('followedShown', { id, length })
      show(news.lines.split('\n'), news.missed).then(done, done)
    }
    // What comes while the lines before are shown, is shown behind them.
    const early: FollowNews[] = []
    this.#followers.set(id, (news) => void early.push(news))
    try {
      const before = await this.#request('follow', { id, count, filter })
      if (before.length > 0) await show(before, 0)
      this.#followers.set(id, shown)
      for (const news of early) shown(news)
      await Promise.race([this.#ended.promise, aborted(signal)])
    } finally {
      this.#followers.delete(id)
      if (!this.#closing) this.#logThread.notify('unfollow', id)
    }
  }

  of(service: string): EventLogWriter {
    return this.#writer.of(service)
  }

  async close(): Promise<void> {
    this.#hold()
    this.#sendClose()
    await this.#ended.promise
  }

  closeSync(timeoutMs: number = logLimits.drainMs): boolean {
    this.#sendClose()
    const closed = this.#writer.waitUntil(() => Atomics.load(this.#counters, Counter.closed) !== 0, timeoutMs)
    this.#logThread.poll()
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
    if (!this.#closing) this.#logThread.notify('close', undefined)
    this.#closing = true
  }

  /** Asks behind everything that was recorded before. */
  async #request<K extends 'clear' | 'tail' | 'follow'>(
    name: K,
    argument: Parameters<LogThreadCalls[K]>[0],
  ): Promise<ReturnType<LogThreadCalls[K]>> {
    if (this.#closing) throw endedError()
    this.#pending++
    this.#hold()
    this.#writer.flush()
    try {
      return await this.#logThread.request(name, argument)
    } finally {
      this.#pending--
      this.#letGo()
    }
  }

  /** Keeps the process alive until nothing is waited for any more. */
  #hold(): void {
    this.#port.ref()
    this.#wake().ref()
  }

  #letGo(): void {
    if (this.#pending > 0 || this.#closing) return
    this.#port.unref()
    this.#worker?.unref()
  }

  #onExit(): void {
    this.#logThread.poll()
    if (!this.#closing) this.#onTrouble('the log thread ended; nothing is logged any more')
    this.#closing = true
    Atomics.store(this.#counters, Counter.closed, 1)
    this.#logThread.close(endedError())
    this.#port.close()
    this.#ended.resolve()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function endedError(): StorageError {
  return new StorageError('LOG_ENDED', 'the log has ended', { hint: 'start the server again' })
}
