import type { Clock } from '../base/clock.ts'
import { errorCode, reasonOf, StorageError } from '../base/errors.ts'
import type { BatchLogger } from './batch-logger.ts'
import { Counter, type FlushMark, isFlushed, type LogEndpoint, markForFlush, wake } from './endpoint.ts'
import { lastLines } from './last-lines.ts'
import { logLimits } from './limits.ts'
import { formatLine } from './line-format.ts'
import { LogFile, oldFile } from './log-file.ts'
import { LogStore } from './log-store.ts'
import type { LogFailure, LogReport, LogRequest, LogSettings, LogThreadData } from './messages.ts'

type Report = (message: LogReport) => void

/** The program of the log thread: opens the file, reports `opened` or `failed`, and serves until it is told to close. */
export async function runLogThread({ settings, main }: LogThreadData, clock: Clock): Promise<void> {
  const mainCounters = new Int32Array(main.counters)
  const report: Report = (message) => {
    main.port.postMessage(message)
    wake(mainCounters)
  }
  let store: LogStore | undefined
  try {
    if (settings.to !== 'console') store = openStore(settings, clock, report)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    report({ type: 'failed', failure: { code: error.code, message: error.message, hint: error.hint ?? '' } })
    main.port.close()
    return
  }
  report({ type: 'opened' })
  // winston takes longer to load than all the rest to start; what is sent meanwhile waits in the port.
  const { BatchLogger } = await import('./batch-logger.ts')
  const terminal = settings.to === 'file' ? undefined : (text: string) => report({ type: 'console', text })
  new LogThread(settings, clock, report, store, new BatchLogger(store, terminal)).listen(main)
}

function openStore(settings: LogSettings, clock: Clock, report: Report): LogStore {
  const { file: path, maxBytes, maxFiles } = settings
  const file = new LogFile({ path, maxBytes, maxFiles }, clock)
  return new LogStore(file, clock, (sentence) => report({ type: 'trouble', sentence }))
}

class LogThread {
  readonly #settings: LogSettings
  readonly #clock: Clock
  readonly #report: Report
  readonly #store: LogStore | undefined
  readonly #logger: BatchLogger
  /** The recording threads, with what they share with us. */
  readonly #sources = new Map<LogEndpoint, Int32Array>()

  constructor(settings: LogSettings, clock: Clock, report: Report, store: LogStore | undefined, logger: BatchLogger) {
    this.#settings = settings
    this.#clock = clock
    this.#report = report
    this.#store = store
    this.#logger = logger
  }

  listen(source: LogEndpoint): void {
    const counters = new Int32Array(source.counters)
    this.#sources.set(source, counters)
    source.port.on('message', (request: LogRequest) => this.#handle(request, counters))
    // A port's messages all come before its 'close'.
    source.port.on('close', () => this.#forget(source, counters))
  }

  #handle(request: LogRequest, counters: Int32Array): void {
    if (typeof request === 'string') {
      this.#take(request, counters)
      return
    }
    switch (request.type) {
      case 'fork':
        this.listen(request.endpoint)
        break
      case 'clear':
        this.#answer(request.ticket, () => this.#clear())
        break
      case 'tail':
        this.#answer(request.ticket, () => this.#tail(request.count))
        break
      case 'shown':
        this.#logger.shown(request.length)
        break
      case 'close':
        this.#flushAndClose([...this.#sources.values()].map(markForFlush), this.#clock.monotonic() + logLimits.flushMs)
    }
  }

  #take(lines: string, counters: Int32Array): void {
    this.#logger.write(lines, () => {
      Atomics.add(counters, Counter.acked, lines.length)
      wake(counters)
    })
  }

  #clear(): string[] {
    this.#store?.clear()
    return []
  }

  #tail(count: number): string[] {
    if (this.#store === undefined) return []
    const { file, maxFiles } = this.#settings
    return lastLines([file, ...Array.from({ length: maxFiles }, (_, index) => oldFile(file, index + 1))], count)
  }

  #answer(ticket: number, work: () => string[]): void {
    try {
      this.#report({ type: 'done', ticket, lines: work() })
    } catch (error) {
      this.#report({ type: 'undone', ticket, failure: failureOf(this.#settings.file, error) })
    }
  }

  /** A thread has ended. If it couldn't hand over its last lines (it was terminated), the log says so. */
  #forget(source: LogEndpoint, counters: Int32Array): void {
    if (!this.#sources.delete(source)) return
    const lines = Atomics.load(counters, Counter.held)
    if (lines === 0) return
    const why = 'a thread was ended before it handed them over'
    const time = new Date(this.#clock.now()).toISOString()
    this.#logger.write(formatLine({ type: 'log-gap', lines, why }, time), () => {})
  }

  /** Closes once everything recorded so far is written, other threads' lines included if they hand them over in time. */
  #flushAndClose(marks: readonly FlushMark[], deadlineMs: number): void {
    const late = this.#clock.monotonic() >= deadlineMs
    const left = marks.filter((mark) => !isFlushed(mark) && !(late && mark.held))
    if (left.length === 0) this.#close()
    else this.#clock.after(logLimits.flushPollMs, () => this.#flushAndClose(left, deadlineMs))
  }

  #close(): void {
    this.#store?.close()
    for (const [source, counters] of this.#sources) {
      Atomics.store(counters, Counter.closed, 1)
      wake(counters)
      source.port.close()
    }
    this.#sources.clear()
  }
}

function failureOf(path: string, error: unknown): LogFailure {
  return {
    code: errorCode(error),
    message: `cannot use the log file ${path}: ${reasonOf(error)}`,
    hint: 'look at the permissions of the file and its folder',
  }
}
