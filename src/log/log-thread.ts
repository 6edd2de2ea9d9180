import { type Clock, Deadline } from '../base/clock.ts'
import { errorCode, reasonOf, StorageError } from '../base/errors.ts'
import { openRpc } from '../base/rpc.ts'
import { BatchLogger } from './batch-logger.ts'
import { Counter, type FlushMark, isFlushed, type LogEndpoint, type LogOrigin, markForFlush, wake } from './endpoint.ts'
import { logLimits } from './limits.ts'
import { formatLine } from './line-format.ts'
import { LogFile } from './log-file.ts'
import { isWanted, type LogFilter } from './log-filter.ts'
import { LogStore } from './log-store.ts'
import type { FollowNews, LogSettings, LogThreadCalls, LogThreadData, MainCalls, RecorderCalls } from './messages.ts'

/** The program of the log thread: opens the file, tells `opened` or `failed`, and serves until it is told to close. */
export function runLogThread({ settings, main }: LogThreadData, clock: Clock): void {
  const mainCounters = new Int32Array(main.counters)
  // Calls arrive in later turns of the event loop, when `thread` is there.
  const rpc = openRpc<MainCalls, LogThreadCalls>(main.port, {
    write: (lines) => thread.write(lines, mainCounters),
    fork: (far) => thread.attach(far),
    clear: () => thread.clear(),
    tail: ({ count, filter }) => thread.tail(count, filter),
    follow: (wish) => thread.follow(wish),
    unfollow: (id) => thread.unfollow(id),
    followedShown: ({ id, length }) => thread.followedShown(id, length),
    shown: (length) => logger.shown(length),
    close: () => thread.close(),
  })
  /** Also wakes the main thread where it blocks, so that it polls. */
  const tell = <K extends keyof MainCalls>(name: K, argument: Parameters<MainCalls[K]>[0]): void => {
    rpc.notify(name, argument)
    wake(mainCounters)
  }
  let store: LogStore | undefined
  try {
    if (settings.to !== 'console') store = openStore(settings, clock, (sentence) => tell('trouble', sentence))
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    tell('failed', error.message)
    main.port.close()
    return
  }
  tell('opened', undefined)
  const logger = new BatchLogger(store, settings.to === 'file' ? undefined : (text) => tell('show', text))
  const thread = new LogThread(settings, clock, store, logger, (news) => tell('followed', news))
  thread.add(main, mainCounters)
}

function openStore(settings: LogSettings, clock: Clock, onTrouble: (sentence: string) => void): LogStore {
  const { file: path, maxBytes, maxFiles, origin } = settings
  return new LogStore(new LogFile({ path, maxBytes, maxFiles }), clock, origin, onTrouble)
}

/** Somebody who sees what is recorded as it comes. */
interface Follower {
  readonly filter: LogFilter
  /** Length of the text that is on its way to them. */
  underWay: number
  missed: number
}

class LogThread {
  readonly #path: string
  readonly #origin: LogOrigin
  readonly #clock: Clock
  readonly #store: LogStore | undefined
  readonly #logger: BatchLogger
  /** The recording threads, with what they share with us. */
  readonly #sources = new Map<LogEndpoint, Int32Array>()
  readonly #followers = new Map<number, Follower>()
  readonly #tellFollower: (news: FollowNews) => void

  constructor(
    { file, origin }: LogSettings,
    clock: Clock,
    store: LogStore | undefined,
    logger: BatchLogger,
    tellFollower: (news: FollowNews) => void,
  ) {
    this.#path = file
    this.#origin = origin
    this.#clock = clock
    this.#store = store
    this.#logger = logger
    this.#tellFollower = tellFollower
  }

  /** Serves a thread that the main thread, or one below it, has started. */
  attach(source: LogEndpoint): void {
    const counters = new Int32Array(source.counters)
    openRpc<Record<never, never>, RecorderCalls>(source.port, {
      write: (lines) => this.write(lines, counters),
      fork: (far) => this.attach(far),
    })
    this.add(source, counters)
  }

  add(source: LogEndpoint, counters: Int32Array): void {
    this.#sources.set(source, counters)
    // A port's messages all come before its 'close'.
    source.port.on('close', () => this.#forget(source, counters))
  }

  write(lines: string, counters: Int32Array): void {
    this.#logger.write(lines, () => {
      Atomics.add(counters, Counter.acked, lines.length)
      wake(counters)
    })
    for (const [id, follower] of this.#followers) this.#showWanted(id, follower, lines)
  }

  clear(): void {
    this.#reportingFailure(() => this.#store?.clear())
  }

  tail(count: number, filter?: LogFilter): string[] {
    return this.#reportingFailure(() => this.#store?.tail(count, filter) ?? [])
  }

  follow({ id, count, filter }: { readonly id: number; readonly count: number; readonly filter: LogFilter }): string[] {
    const before = this.tail(count, filter)
    this.#followers.set(id, { filter, underWay: 0, missed: 0 })
    return before
  }

  unfollow(id: number): void {
    this.#followers.delete(id)
  }

  followedShown(id: number, length: number): void {
    const follower = this.#followers.get(id)
    if (follower !== undefined) follower.underWay -= length
  }

  /** Whoever is too slow misses lines, and hears how many: they hold up nobody. */
  #showWanted(id: number, follower: Follower, text: string): void {
    const wanted = text.split('\n').filter((line) => line !== '' && isWanted(line, follower.filter))
    if (wanted.length === 0) return
    const lines = wanted.join('\n')
    if (follower.underWay + lines.length > logLimits.followLength) {
      follower.missed += wanted.length
      return
    }
    follower.underWay += lines.length
    this.#tellFollower({ id, lines, missed: follower.missed })
    follower.missed = 0
  }

  /** Ends once everything recorded so far is written, other threads' lines included if they hand them over in time. */
  close(): void {
    this.#flushAndClose([...this.#sources.values()].map(markForFlush), new Deadline(this.#clock, logLimits.flushMs))
  }

  #flushAndClose(marks: readonly FlushMark[], deadline: Deadline): void {
    const late = deadline.passed
    const left = marks.filter((mark) => !isFlushed(mark) && !(late && mark.held))
    if (left.length === 0) this.#end()
    else this.#clock.after(logLimits.flushPollMs, () => this.#flushAndClose(left, deadline))
  }

  #end(): void {
    this.#store?.close()
    for (const [source, counters] of this.#sources) {
      Atomics.store(counters, Counter.closed, 1)
      wake(counters)
      source.port.close()
    }
    this.#sources.clear()
  }

  #reportingFailure<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw new StorageError(errorCode(error), `cannot use the log file ${this.#path}: ${reasonOf(error)}`, {
        hint: 'look at the permissions of the file and its folder',
      })
    }
  }

  /** A thread has ended. If it couldn't hand over its last lines (it was terminated), the log says so. */
  #forget(source: LogEndpoint, counters: Int32Array): void {
    if (!this.#sources.delete(source)) return
    const lines = Atomics.load(counters, Counter.held)
    if (lines === 0) return
    const why = 'a thread was ended before it handed them over'
    const time = new Date(this.#clock.now()).toISOString()
    this.#logger.write(formatLine({ type: 'log-gap', lines, why }, time, this.#origin), () => {})
  }
}
