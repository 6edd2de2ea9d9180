import { access, constants, type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock, Timer } from '../../base/clock.ts'
import { errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { handedOver } from '../../files/handed-over.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { scanLimits } from '../../scan/limits.ts'
import type { ScanReport } from '../../scan/report/report.ts'
import type { PortResult } from '../../scan/types.ts'
import type { CommandContext } from '../command.ts'
import type { JobPlan } from './plan.ts'

/** Where the answer goes. */
export interface ScanOutput {
  /** Results are on standard output as they come. */
  readonly isLive: boolean
  /** A result that is to be listed, the moment it is there. */
  result(result: PortResult): void
  /** The end of the scan. @throws {StorageError} */
  finish(report: ScanReport): Promise<void>
}

/**
 * Opens standard output or the file that was named, so that one which can't be written is known before the scan begins.
 * `aside` keeps the progress bar out of the way of what is written while it stands.
 * @throws {StorageError}
 */
export async function openOutput(
  { format, outputPath }: Pick<JobPlan, 'format' | 'outputPath'>,
  { stdout, clock }: Pick<CommandContext, 'stdout' | 'clock'>,
  aside: (write: () => void) => void,
): Promise<ScanOutput> {
  const { result: render, report: renderReport } = await format.load()
  const sink = await openSink(outputPath, render !== undefined, stdout, aside)
  const lines = new LineBatch(clock, (text) => sink.write(text))
  return {
    isLive: render !== undefined && outputPath === undefined,
    result: (result) => {
      if (render !== undefined) lines.add(render(result))
    },
    async finish(report) {
      lines.flush()
      await sink.finish(renderReport(report))
    },
  }
}

/**
 * Opens a file, or standard output where none is named, for text that comes in pieces (`isStreamed`) or at the end.
 * @throws {StorageError}
 */
export async function openSink(
  outputPath: string | undefined,
  isStreamed: boolean,
  stdout: NodeJS.WriteStream,
  aside: (write: () => void) => void,
): Promise<OutputSink> {
  return outputPath === undefined ? new StreamSink(stdout, aside) : openFile(outputPath, isStreamed)
}

interface OutputSink {
  /** Takes text of a format that streams; how that went is told by `finish`. */
  write(text: string): void
  finish(pieces: Iterable<string>): Promise<void>
}

class StreamSink implements OutputSink {
  readonly #stream: NodeJS.WriteStream
  readonly #aside: (write: () => void) => void

  constructor(stream: NodeJS.WriteStream, aside: (write: () => void) => void) {
    this.#stream = stream
    this.#aside = aside
  }

  write(text: string): void {
    this.#aside(() => this.#stream.write(text))
  }

  /** Waits for a slow reader; one that went away ends the process elsewhere. */
  async finish(pieces: Iterable<string>): Promise<void> {
    for (const batch of batches(pieces)) {
      await new Promise<void>((resolve) => this.#stream.write(batch, () => resolve()))
    }
  }
}

/** A file is replaced as a whole at the end, but is written as results come where the format streams: others may follow it. */
async function openFile(path: string, isStreamed: boolean): Promise<OutputSink> {
  try {
    // What the shell opened for us may have something in it already (`>>`).
    if (handedOver(path) !== undefined) return new AppendedFile(path, await open(path, 'a'))
    if (isStreamed || (await isSpecial(path))) return new AppendedFile(path, await open(path, 'w'))
    await access(dirname(path), constants.W_OK)
  } catch (error) {
    throw cantWrite(path, error)
  }
  return { write() {}, finish: (pieces) => replaceWhole(path, pieces) }
}

/** Something that exists and is no plain file (a pipe, /dev/stderr) can't be replaced, only written to. */
async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (found?.isDirectory() === true) throw Object.assign(new Error('a directory'), { code: 'EISDIR' })
  return found !== undefined && !found.isFile()
}

class AppendedFile implements OutputSink {
  readonly #path: string
  readonly #file: FileHandle
  #written: Promise<unknown> = Promise.resolve()

  constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  write(text: string): void {
    this.#written = this.#written.then(() => this.#file.appendFile(text))
    // Reported by `finish`; until then the scan goes on.
    this.#written.catch(() => {})
  }

  async finish(pieces: Iterable<string>): Promise<void> {
    try {
      for (const batch of batches(pieces)) {
        this.write(batch)
        await this.#written
      }
      await this.#written
    } catch (error) {
      throw cantWrite(this.#path, error)
    } finally {
      await this.#file.close()
    }
  }
}

/** Puts `pieces` in the place of a file as a whole. @throws {StorageError} */
export async function replaceWhole(path: string, pieces: Iterable<string>): Promise<void> {
  try {
    await replaceFile(path, batches(pieces))
  } catch (error) {
    throw cantWrite(path, error)
  }
}

function cantWrite(path: string, cause: unknown): StorageError {
  return new StorageError(errorCode(cause), `can't write ${path}: ${reasonOf(cause)}`, {
    hint: 'name a file in a folder that exists, has room, and may be written',
    cause,
  })
}

/** Small pieces joined, so that a line is not a system call. */
function* batches(pieces: Iterable<string>): Generator<string> {
  let batch = ''
  for (const piece of pieces) {
    batch += piece
    if (batch.length < scanLimits.outputBatchLength) continue
    yield batch
    batch = ''
  }
  if (batch !== '') yield batch
}

/** The same for lines that come one by one: written once there are enough of them, or after a moment. */
class LineBatch {
  readonly #clock: Clock
  readonly #write: (text: string) => void
  #text = ''
  #timer: Timer | undefined

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock
    this.#write = write
  }

  add(line: string): void {
    this.#text += line
    if (this.#text.length > scanLimits.outputBatchLength) this.flush()
    else this.#timer ??= this.#clock.after(scanLimits.outputBatchMs, () => this.flush())
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#text !== '') this.#write(this.#text)
    this.#text = ''
  }
}
