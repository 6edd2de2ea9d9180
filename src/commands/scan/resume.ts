import { readFile, rm } from 'node:fs/promises'
import type { Clock, Timer } from '../../base/clock.ts'
import { errorCode, NetlabError, reasonOf, StorageError } from '../../base/errors.ts'
import { wholeText } from '../../files/overwrite-file.ts'
import { AnsweredPorts } from '../../scan/answered-ports.ts'
import { scanLimits } from '../../scan/limits.ts'
import { formatResume, parseResume, type ResumeState, refuseOtherScan } from '../../scan/resume-file.ts'
import type { NameAnswers } from './find-targets.ts'
import type { ScanJob } from './job.ts'
import { replaceWhole } from './output.ts'

/** When a scan began, and how long it went on in earlier processes. */
export interface JobStart {
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationMs: number
}

/** A scan whose state is kept in a file from its beginning to its end, so that it can be continued after any interruption. */
export class ResumableJob {
  readonly #job: ScanJob
  readonly #path: string
  readonly #answers: NameAnswers
  readonly #clock: Clock
  readonly #answered: AnsweredPorts
  readonly #beganMs: number
  #start: JobStart
  #timer: Timer | undefined
  #saving: Promise<void> = Promise.resolve()

  /** @param answers what names were known as when the scan began */
  constructor(job: ScanJob, path: string, answers: NameAnswers, clock: Clock) {
    this.#job = job
    this.#path = path
    this.#answers = answers
    this.#clock = clock
    this.#answered = new AnsweredPorts(job.addresses, job.targets.ports)
    this.#beganMs = clock.monotonic()
    this.#start = { startedAt: clock.now(), durationMs: 0 }
  }

  /**
   * Takes up the state that was kept, or writes a first one, so that a file which can't be written is known at once.
   * @throws {StorageError} when it can't be written. @throws {UsageError} when it is of another scan.
   */
  async begin(state: ResumeState | undefined): Promise<JobStart> {
    if (state === undefined) await this.#save()
    else {
      refuseOtherScan(state, this.#path, this.#job.identity)
      this.#restore(state)
      this.#start = { startedAt: state.startedAt, durationMs: state.durationMs }
    }
    return this.#start
  }

  /** Scans what is not answered yet. Afterwards the file is gone when everything is, and up to date when not. */
  async run(): Promise<void> {
    this.#checkpoint()
    try {
      for (const part of this.#answered.remaining()) {
        await this.#job.run(part, (result) => {
          if (this.#answered.add(result.host, result.port)) this.#job.record(result)
        })
      }
    } finally {
      this.#timer?.cancel()
      await this.#saving
      if (this.#job.results.done < this.#job.total) await this.#save()
      else await rm(this.#path, { force: true })
    }
  }

  #checkpoint(): void {
    const save = async (): Promise<void> => {
      this.#saving = this.#save().catch(() => {
        // The disk may be full now and not at the end; only what fails at the end is reported.
      })
      await this.#saving
      this.#checkpoint()
    }
    this.#timer = this.#clock.after(scanLimits.checkpointMs, () => void save(), { background: true })
  }

  #save(): Promise<void> {
    const { results, summary, addresses } = this.#job
    const state: ResumeState = {
      identity: this.#job.identity,
      answers: Object.fromEntries(this.#answers),
      startedAt: this.#start.startedAt,
      durationMs: this.#start.durationMs + this.#clock.monotonic() - this.#beganMs,
      probes: summary.probes,
      retries: summary.retries,
      counts: results.counts,
      doubt: this.#job.lastingDoubt,
      answered: this.#answered.toText(),
      results: results.listed(addresses).flatMap(({ ports }) => ports),
    }
    return replaceWhole(this.#path, [formatResume(state)])
  }

  #restore(state: ResumeState): void {
    try {
      this.#answered.restore(state.answered)
    } catch (error) {
      if (error instanceof NetlabError || !(error instanceof RangeError)) throw error
      throw new StorageError('RESUME', `${this.#path} is damaged (${error.message})`, {
        hint: 'remove the file to begin anew',
      })
    }
    this.#job.restore(state)
  }
}

/** The state that a scan left, if it left one. @throws {StorageError} when it can't be read or is something else. */
export async function readState(path: string): Promise<ResumeState | undefined> {
  try {
    return parseResume(wholeText(await readFile(path, 'utf8')), path)
  } catch (error) {
    if (error instanceof NetlabError) throw error
    const code = errorCode(error)
    if (code === 'ENOENT') return undefined
    throw new StorageError(code, `can't read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}
