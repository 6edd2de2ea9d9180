import type { Clock } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import type { LogOrigin } from './endpoint.ts'
import { formatLine } from './line-format.ts'
import { countLineFeeds, type LogFile, lineFeed } from './log-file.ts'
import type { LogFilter } from './log-filter.ts'

const nothing: Buffer = Buffer.alloc(0)
const lineEnd: Buffer = Buffer.of(lineFeed)

/**
 * Keeps finished lines in a file that may refuse them. Lines that the system doesn't take (disk full, I/O error) are counted;
 * `onTrouble` hears of it once, and a `log-gap` event tells the number as soon as the file can be written again.
 */
export class LogStore {
  readonly #file: LogFile
  readonly #clock: Clock
  readonly #origin: LogOrigin
  readonly #onTrouble: (sentence: string) => void
  #lost = 0
  /** The rest of a line of which the system took the beginning, and the generation of the file where that stands. */
  #torn = { rest: nothing, generation: 0 }
  /** What `onTrouble` knows already. */
  readonly #told = { write: false, rotate: false }

  constructor(file: LogFile, clock: Clock, origin: LogOrigin, onTrouble: (sentence: string) => void) {
    this.#file = file
    this.#clock = clock
    this.#origin = origin
    this.#onTrouble = onTrouble
  }

  /** `lines` are finished lines, each with its line feed. Never throws. */
  write(lines: string): void {
    const bytes = Buffer.from(lines, 'utf8')
    try {
      const { cannotRotate } = this.#file.prepare(bytes.length)
      this.#tellRotation(cannotRotate)
    } catch (error) {
      this.#lose(countLineFeeds(bytes), error)
      return
    }
    this.#meetFile()
    this.#append(bytes)
  }

  /** Throws system errors. */
  clear(): void {
    this.#file.clear()
    this.#torn = { rest: nothing, generation: this.#file.generation }
  }

  /** The last `count` lines that are wanted, oldest first. Throws system errors. */
  tail(count: number, filter?: LogFilter): string[] {
    return this.#file.tail(count, filter)
  }

  /** Tries once more to tell about lost lines. */
  close(): void {
    if (this.#lost > 0 || this.#torn.rest.length > 0) this.write('')
    this.#file.close()
  }

  /** Of a line that was torn in another file, the rest can't be written any more; one found torn is at least ended. */
  #meetFile(): void {
    const { generation, begunInsideLine } = this.#file
    if (this.#torn.generation === generation) return
    if (this.#torn.rest.length > lineEnd.length) this.#lost++
    this.#torn = { rest: begunInsideLine ? lineEnd : nothing, generation }
  }

  #append(lines: Buffer): void {
    const { rest } = this.#torn
    const gap = this.#lost === 0 ? nothing : this.#gapLine()
    const whole = rest.length + gap.length === 0 ? lines : Buffer.concat([rest, gap, lines])
    const { written, error } = this.#file.append(whole)
    if (written <= rest.length && written < whole.length) {
      this.#torn.rest = rest.subarray(written)
      this.#lose(countLineFeeds(lines), error)
      return
    }
    const lost = this.#lost
    const endOfLine = written === 0 ? 0 : whole.indexOf(lineFeed, written - 1) + 1
    this.#torn = { rest: Buffer.from(whole.subarray(written, endOfLine)), generation: this.#file.generation }
    this.#lost = 0
    if (written < whole.length) this.#lose(countLineFeeds(whole.subarray(endOfLine)), error)
    else this.#tellWritable(lost)
  }

  #gapLine(): Buffer {
    const event = { type: 'log-gap', lines: this.#lost, why: 'the file could not be written' } as const
    return Buffer.from(formatLine(event, new Date(this.#clock.now()).toISOString(), this.#origin))
  }

  #lose(lines: number, error: unknown): void {
    this.#lost += lines
    if (this.#told.write) return
    this.#told.write = true
    this.#onTrouble(
      `the log file ${this.#file.path} cannot be written: ${reasonOf(error)}; what happens meanwhile is counted, not logged`,
    )
  }

  #tellWritable(lost: number): void {
    if (!this.#told.write) return
    this.#told.write = false
    this.#onTrouble(`the log file ${this.#file.path} can be written again; ${lost} lines are missing`)
  }

  #tellRotation(error: unknown): void {
    if (error !== undefined && !this.#told.rotate)
      this.#onTrouble(`the log file ${this.#file.path} cannot be rotated: ${reasonOf(error)}; it grows on`)
    this.#told.rotate = error !== undefined
  }
}
