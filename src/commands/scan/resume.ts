import { readFile, rm } from 'node:fs/promises'
import type { Timer } from '../../base/clock.ts'
import { errorCode, NetlabError, reasonOf, StorageError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { Answered } from '../../scan/answered.ts'
import { portStates } from '../../scan/findings.ts'
import { formatRanges } from '../../scan/ranges.ts'
import { formatResume, parseResume, type ResumeState } from '../../scan/resume-file.ts'
import type { CommandContext } from '../command.ts'
import { writeWhole } from './atomic-file.ts'
import type { ScanValues } from './options.ts'
import type { Survey } from './survey.ts'

/** When a scan began, and how long it went on before it was interrupted. */
export interface Earlier {
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationMs: number
}

/** A scan whose state is kept in a file from its beginning to its end, so that it can be continued after any interruption. */
export class ResumableScan {
  readonly #survey: Survey
  readonly #path: string
  readonly #values: ScanValues
  readonly #context: CommandContext
  readonly #answered: Answered
  readonly #beganMs: number
  #earlier: Earlier
  #timer: Timer | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(survey: Survey, path: string, values: ScanValues, context: CommandContext) {
    this.#survey = survey
    this.#path = path
    this.#values = values
    this.#context = context
    this.#answered = new Answered(survey.addresses, survey.ports)
    this.#beganMs = context.clock.monotonic()
    this.#earlier = { startedAt: context.clock.now(), durationMs: 0 }
  }

  /**
   * Takes up what the file says, or writes a first one, so that a file which can't be written is known at once.
   * @throws {StorageError} when it can't be read or written. @throws {UsageError} when it is of another scan.
   */
  async begin(): Promise<Earlier> {
    const text = await readIfThere(this.#path)
    if (text === undefined) await this.#save()
    else {
      const state = parseResume(text, this.#path, this.#identity())
      this.#restore(state)
      this.#earlier = { startedAt: state.startedAt, durationMs: state.durationMs }
    }
    return this.#earlier
  }

  /** Asks what is not answered yet. Afterwards the file is gone when everything is, and up to date when not. */
  async run(): Promise<void> {
    this.#checkpoint()
    try {
      for (const part of this.#answered.remaining()) {
        await this.#survey.run(part, (result) => {
          if (this.#answered.add(result.host, result.port)) this.#survey.record(result)
        })
      }
    } finally {
      this.#timer?.cancel()
      await this.#saving
      if (this.#survey.findings.done < this.#survey.total) await this.#save()
      else await rm(this.#path, { force: true })
    }
  }

  #checkpoint(): void {
    const save = async (): Promise<void> => {
      this.#saving = this.#save().catch(() => {
        // A full disk now may be none at the end, which is when it is told.
      })
      await this.#saving
      this.#checkpoint()
    }
    this.#timer = this.#context.clock.after(limits.scanCheckpointMs, () => void save(), { background: true })
  }

  #save(): Promise<void> {
    const { findings, totals, addresses } = this.#survey
    const state: ResumeState = {
      identity: this.#identity(),
      startedAt: this.#earlier.startedAt,
      durationMs: this.#earlier.durationMs + this.#context.clock.monotonic() - this.#beganMs,
      probes: totals.probes,
      retries: totals.retries,
      counts: findings.counts,
      answered: this.#answered.toText(),
      results: findings.listed(addresses).flatMap(({ ports }) => ports),
    }
    return writeWhole(this.#path, [formatResume(state)])
  }

  #restore({ answered, counts, results, probes, retries }: ResumeState): void {
    const { findings, totals } = this.#survey
    try {
      this.#answered.restore(answered)
    } catch (error) {
      if (error instanceof NetlabError || !(error instanceof RangeError)) throw error
      throw new StorageError('RESUME', `${this.#path} is damaged (${error.message})`, {
        hint: 'remove the file to begin anew',
      })
    }
    for (const state of portStates) {
      for (const [reason, number] of Object.entries(counts[state] ?? {})) findings.count(state, reason, number)
    }
    for (const result of results) this.#survey.restore(result)
    totals.probes += probes
    totals.retries += retries
  }

  #identity() {
    const { addresses, ports } = this.#survey
    return {
      targets: addresses.toString(),
      ports: formatRanges(ports),
      shown: this.#values.show.join(','),
      banner: this.#values.banner,
    }
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return undefined
    throw new StorageError(code, `can't read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}
