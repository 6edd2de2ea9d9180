import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errorCode, reasonOf, StorageError } from '../base/errors.ts'
import { tryFileLock } from '../files/file-lock.ts'
import { handedOver } from '../files/handed-over.ts'
import { makeFolder } from '../files/make-folder.ts'
import { behindLinks } from '../files/replace-file.ts'
import { isTrusted } from '../files/secret-file.ts'
import { logLimits } from './limits.ts'
import { isWanted, type LogFilter } from './log-filter.ts'

export const lineFeed = 0x0a

export interface LogFileOptions {
  readonly path: string
  readonly maxBytes: number
  readonly maxFiles: number
}

/** Writes some of `bytes` at the end of the file and tells how many; may throw a system error. */
export type WriteBytes = (descriptor: number, bytes: Uint8Array) => number

/**
 * A file that only grows at its end, shared with other processes that do the same (O_APPEND: a write goes to the end as a
 * whole). `path.1` is the youngest of the old files; where `path` is a link, they lie beside the file behind it. What is no file,
 * or what the process was given open (`/dev/stdout`, whatever that is), is only written to: never renamed, emptied or read. All calls
 * are synchronous, for the log thread.
 */
export class LogFile {
  readonly #options: LogFileOptions
  readonly #write: WriteBytes
  #descriptor: number | undefined
  #inode = 0n
  /** A file of its own, which rotates, and not what is only written to. */
  #isOwn = true
  /** Open already when the process began, and not ours to close. */
  #isGiven = false
  /** The last write to a pipe found no room, for as long as is waited for it. */
  #isStuck = false
  #generation = 0
  #begunInsideLine = false

  /** Opens the file, and creates it (0600) and its folder (0700) if need be. Throws StorageError. */
  constructor(options: LogFileOptions, write: WriteBytes = fs.writeSync) {
    this.#options = options
    this.#write = write
    try {
      this.#open()
    } catch (error) {
      throw cannotOpen(options.path, error)
    }
  }

  get path(): string {
    return this.#options.path
  }

  /** Changes whenever another file is written to. */
  get generation(): number {
    return this.#generation
  }

  /** Whether the file ended with half a line when this generation was opened. */
  get begunInsideLine(): boolean {
    return this.#begunInsideLine
  }

  /**
   * Gets ready for a batch of this length: follows another process that rotated, and rotates when the file would become too
   * large. When it can't be rotated it is used as it is, and the reason returned. Throws system errors when there is no file.
   */
  prepare(lengthBytes: number): { readonly cannotRotate?: unknown } {
    const size = this.#follow()
    if (!this.#isOwn || size === 0 || size + lengthBytes <= this.#options.maxBytes) return {}
    try {
      this.#rotate()
      return {}
    } catch (error) {
      return { cannotRotate: error }
    }
  }

  /** As far as the system takes it: returns how many bytes were written, and why not all. Call `prepare` first. */
  append(bytes: Uint8Array): { readonly written: number; readonly error?: unknown } {
    let written = 0
    for (let waits = 0; written < bytes.length; ) {
      try {
        written += this.#write(this.#opened(), bytes.subarray(written))
        waits = 0
        this.#isStuck = false
      } catch (error) {
        // A pipe is full. Who reads it may be slow, but not so that a server waits for every batch.
        if (errorCode(error) !== 'EAGAIN' || this.#isStuck || ++waits > logLimits.pipeWaits) {
          this.#isStuck ||= errorCode(error) === 'EAGAIN'
          return { written, error }
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, logLimits.pipeWaitMs)
      }
    }
    return { written }
  }

  /** Empties the file and removes the old ones. What is appended from now on stays. Throws system errors. */
  clear(): void {
    this.#follow()
    if (!this.#isOwn) throw Object.assign(new Error('it is not a file of its own'), { code: 'EINVAL' })
    const path = this.#real()
    // Without the lock, at worst one file that is being rotated at this moment survives.
    const lock = tryFileLock(path)
    try {
      const prefix = `${basename(path)}.`
      for (const name of fs.readdirSync(dirname(path)))
        if (name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length))) fs.rmSync(join(dirname(path), name))
      fs.ftruncateSync(this.#opened(), 0)
    } finally {
      lock?.release()
    }
  }

  /** The last `count` lines of the file and the old ones that are wanted, oldest first. Throws system errors. */
  tail(count: number, filter?: LogFilter): string[] {
    if (!this.#isOwn) return []
    const path = this.#real()
    const { maxFiles } = this.#options
    const paths = [path, ...Array.from({ length: maxFiles }, (_, index) => oldFile(path, index + 1))]
    if (filter === undefined) return lastLines(paths, count)
    return lastLines(paths, count, logLimits.searchBytes, (line) => isWanted(line, filter))
  }

  close(): void {
    if (this.#descriptor !== undefined && !this.#isGiven) fs.closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #open(): void {
    this.close()
    const { path } = this.#options
    makeFolder(dirname(this.#real()))
    const link = fs.lstatSync(path, { throwIfNoEntry: false })
    // In a folder that others can write it might lead to any file of ours.
    if (link?.isSymbolicLink() && !isTrusted(link))
      throw Object.assign(new Error('it is a link that another user made'), { code: 'EPERM' })
    const before = fs.statSync(path, { throwIfNoEntry: false })
    if (before?.isDirectory()) throw Object.assign(new Error('it is a directory'), { code: 'EISDIR' })
    const given = handedOver(path)
    const descriptor = given?.descriptor ?? openToAppend(path, before)
    const there = fs.fstatSync(descriptor, { bigint: true })
    this.#descriptor = descriptor
    this.#inode = there.ino
    this.#isGiven = given?.descriptor !== undefined
    this.#isOwn = given === undefined && there.isFile()
    this.#generation++
    this.#begunInsideLine = this.#isOwn && staysInsideLine(descriptor)
  }

  /** The path of the file itself, which a link may lead to; another one tomorrow. */
  #real(): string {
    return behindLinks(this.#options.path)
  }

  #opened(): number {
    if (this.#descriptor === undefined) this.#open()
    return this.#descriptor ?? -1
  }

  /** Makes sure that the file at our path is the one that we write to; returns its size. */
  #follow(): number {
    if (this.#descriptor !== undefined && this.#isGiven) return 0
    const there = fs.statSync(this.#options.path, { bigint: true, throwIfNoEntry: false })
    if (this.#descriptor !== undefined && there?.ino === this.#inode) return Number(there.size)
    this.#open()
    return fs.fstatSync(this.#opened()).size
  }

  #rotate(): void {
    const path = this.#real()
    // Never waited for: who doesn't get it goes on writing to the file as it is, and asks again with the next batch.
    const lock = tryFileLock(path)
    if (lock === undefined) return
    try {
      // Another process may have rotated between our look at the size and the lock.
      const there = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
      if (there?.ino === this.#inode) shift(path, this.#options.maxFiles)
      this.#open()
    } finally {
      lock.release()
    }
  }
}

function shift(path: string, maxFiles: number): void {
  let free = 1
  while (free < maxFiles && fs.existsSync(oldFile(path, free))) free++
  for (let number = free - 1; number >= 1; number--) moveIfThere(oldFile(path, number), oldFile(path, number + 1))
  if (maxFiles > 0) moveIfThere(path, oldFile(path, 1))
  else fs.rmSync(path, { force: true })
}

/** Without waiting for the reader of a FIFO, nor for anything later. */
function openToAppend(path: string, there: fs.Stats | undefined): number {
  if (there === undefined || there.isFile()) return fs.openSync(path, 'a+', 0o600)
  const { O_RDWR, O_WRONLY, O_APPEND, O_NONBLOCK = 0, O_NOCTTY = 0 } = fs.constants
  // With only a writer, a FIFO that nobody reads could not be opened, or would end the process.
  return fs.openSync(path, (there.isFIFO() ? O_RDWR : O_WRONLY) | O_APPEND | O_NONBLOCK | O_NOCTTY)
}

/** The name of the `number`th old file; 1 is the youngest. */
function oldFile(path: string, number: number): string {
  return `${path}.${number}`
}

function moveIfThere(from: string, to: string): void {
  try {
    fs.renameSync(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

/** Whether a process died, or the disk became full, while a line was written; and not that another one is writing it now. */
function staysInsideLine(descriptor: number): boolean {
  for (let look = 0; look < logLimits.tornLooks; look++) {
    if (look > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, logLimits.tornLookMs)
    if (!endsInsideLine(descriptor)) return false
  }
  return true
}

function endsInsideLine(descriptor: number): boolean {
  const { size } = fs.fstatSync(descriptor, { bigint: true })
  const last = new Uint8Array(1)
  return size > 0n && fs.readSync(descriptor, last, 0, 1, size - 1n) === 1 && last[0] !== lineFeed
}

function cannotOpen(path: string, error: unknown): StorageError {
  return new StorageError(errorCode(error), `cannot open the log file ${path}: ${reasonOf(error)}`, {
    hint: 'name another file with --log-file, or log to the terminal with --log-to console',
    cause: error,
  })
}

/**
 * The last `count` whole lines of the files taken together that are wanted, oldest first. `paths` begins with the youngest file; a
 * missing one ends the search. Reads backwards, `maxBytes` at most.
 */
export function lastLines(
  paths: readonly string[],
  count: number,
  maxBytes: number = logLimits.tailBytes,
  isWanted: (line: string) => boolean = () => true,
): string[] {
  const found: string[] = []
  let leftBytes = maxBytes
  for (const path of paths) {
    if (found.length >= count || leftBytes <= 0) break
    const readBytes = readBackwards(path, leftBytes, (line) => {
      if (isWanted(line)) found.push(line)
      return found.length < count
    })
    if (readBytes === undefined) break
    leftBytes -= readBytes
  }
  return found.reverse()
}

/**
 * Gives the whole lines of a file to `take`, the last one first, for as long as it returns true. Returns how many bytes were read, and
 * undefined for no file.
 */
function readBackwards(path: string, maxBytes: number, take: (line: string) => boolean): number | undefined {
  let descriptor: number
  try {
    descriptor = fs.openSync(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const { size } = fs.fstatSync(descriptor)
    const lowest = Math.max(0, size - maxBytes)
    /** The end of a line whose beginning has not been read yet; undefined before the last line feed: a line is being written there. */
    let rest: Buffer | undefined
    for (let position = size; position > lowest; ) {
      const from = Math.max(lowest, position - logLimits.tailBlockBytes)
      const block = Buffer.alloc(position - from)
      const read = block.subarray(0, fs.readSync(descriptor, block, 0, block.length, from))
      position = from
      const end = rest === undefined ? read.lastIndexOf(lineFeed) : read.length
      if (end === -1) continue
      const bytes = Buffer.concat([read.subarray(0, end), rest ?? Buffer.alloc(0)])
      // What comes before the first line feed is the end of a line, unless the file begins there.
      const start = position === 0 ? 0 : bytes.indexOf(lineFeed) + 1
      rest = start === 0 && position > 0 ? bytes : bytes.subarray(0, Math.max(0, start - 1))
      if (start === 0 && position > 0) continue
      const lines = bytes.toString('utf8', start).split('\n')
      for (let line = lines.pop(); line !== undefined; line = lines.pop()) if (!take(line)) return size - position
    }
    return size - lowest
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Lines that end in these bytes. */
export function countLineFeeds(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) count++
  return count
}
