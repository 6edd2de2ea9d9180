import { type ChildProcess, spawn } from 'node:child_process'
import { type Clock, Deadline, pause } from '../base/clock.ts'
import { checkLimits } from './limits.ts'
import {
  isRunnable,
  type Listening,
  listeningPorts,
  processesOf,
  processorSeconds,
  waitsForInput,
} from './process-tree.ts'
import { answerFor, type PromptAnswers, type PromptRule } from './prompts.ts'
import { openPty, type Pty } from './pty.ts'

/** How a program under check is started. */
export interface ProgramPlan {
  /** For `sh -c`; `{port}`, `{host}`, `{user}`, `{password}` are filled in. */
  readonly command: string
  /** Where it runs: a copy of its author's folder. */
  readonly folder: string
  readonly answers: PromptAnswers
  readonly rules: readonly PromptRule[]
  /** What to type in order, before anything else is thought of. */
  readonly typed: readonly string[]
  /** What it finds in its environment, besides what makes it write at once. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Words before `sh` that take rights away, such as `setpriv …`. */
  readonly wrapper: readonly string[]
}

/** How a program ended by itself. */
export interface Ended {
  readonly code: number | undefined
  readonly signal: string | undefined
}

/** Where a server under check can be reached. */
export interface RunningServer {
  readonly host: string
  readonly port: number
  /** Undefined where it was running before (`--connect`). */
  readonly program: Program | undefined
}

/** One run of a program under check, with a terminal of its own, its questions answered as they come. */
export class Program {
  readonly #clock: Clock
  readonly #plan: ProgramPlan
  readonly #child: ChildProcess
  readonly #pty: Pty | undefined
  #output = Buffer.alloc(0)
  #outputBytes = 0
  #ended: Ended | undefined
  #lastOutputMs: number
  readonly #typed: string[] = []
  #question = ''
  #round = 0
  #answeredBytes = -1
  #answeredMs = 0
  /** How much it had written when it was last seen waiting; -1 when it was not. */
  #seenBytes = -1

  private constructor(plan: ProgramPlan, clock: Clock, child: ChildProcess, pty: Pty | undefined) {
    this.#plan = plan
    this.#clock = clock
    this.#child = child
    this.#pty = pty
    this.#lastOutputMs = clock.monotonic()
    child.once('exit', (code, signal) => {
      this.#ended = { code: code ?? undefined, signal: signal ?? undefined }
    })
    child.once('error', () => {
      this.#ended ??= { code: 127, signal: undefined }
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** Starts it; whether it came up is what `ready` tells. */
  static async start(plan: ProgramPlan, clock: Clock): Promise<Program> {
    let program: Program | undefined
    const early: Buffer[] = []
    const pty = await openPty((chunk) => (program === undefined ? early.push(chunk) : program.#take(chunk)))
    const { command, wrapper } = plan
    // A real program starts threads and processes without end; the shell's limits hold for all of them.
    const limits = `ulimit -n ${checkLimits.descriptors} -f ${checkLimits.fileBytes / 1_024} -t ${checkLimits.cpuSeconds} -c 0 2>/dev/null;`
    const [file = 'sh', ...words] = [...wrapper, 'sh', '-c', `${limits} ${filledIn(command, plan.answers)}`]
    const end = pty?.programEnd ?? 'pipe'
    const child = spawn(file, words, {
      cwd: plan.folder,
      detached: true,
      stdio: [end, end, end],
      env: {
        ...plan.environment,
        PYTHONUNBUFFERED: '1',
        PYTHONDONTWRITEBYTECODE: '1',
        TERM: 'dumb',
        HOME: plan.folder,
      },
    })
    pty?.closeProgramEnd()
    program = new Program(plan, clock, child, pty)
    for (const chunk of early) program.#take(chunk)
    child.stdin?.on('error', () => {
      // It does not read what is typed.
    })
    return program
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get processes(): readonly number[] {
    return this.#child.pid === undefined ? [] : processesOf(this.#child.pid)
  }

  /** How it ended by itself; undefined while it runs, and also while a part of it does that it left behind. */
  get ended(): Ended | undefined {
    return this.#ended !== undefined && this.processes.length === 0 ? this.#ended : undefined
  }

  /** What it has written so far, at most `outputBytes` of it. */
  get output(): Buffer {
    return this.#output
  }

  /** How much it has written in all. */
  get outputBytes(): number {
    return this.#outputBytes
  }

  /** What was typed, so that a person can give it as `--answer`. */
  get typed(): readonly string[] {
    return this.#typed
  }

  get listening(): readonly Listening[] {
    return listeningPorts(this.processes)
  }

  get processorSeconds(): number {
    return processorSeconds(this.processes)
  }

  get isRunnable(): boolean {
    return isRunnable(this.processes)
  }

  /** Types a line. */
  type(line: string): void {
    this.#typed.push(line)
    if (this.#pty !== undefined) this.#pty.type(`${line}\n`)
    else this.#child.stdin?.write(`${line}\n`)
  }

  /** Whether it waits for somebody to type: seen where the system tells, else guessed from its silence. */
  get waitsForInput(): boolean {
    const seen = waitsForInput(this.processes)
    return seen ?? this.#clock.monotonic() - this.#lastOutputMs > checkLimits.promptQuietMs
  }

  /** Waits, answering its questions, until `done` holds: true; false when it has ended or `ms` are over. */
  async until(done: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean> {
    const deadline = new Deadline(this.#clock, ms)
    while (!done()) {
      if (this.ended !== undefined || deadline.passed || signal?.aborted === true) return done()
      this.#answer()
      await pause(this.#clock, checkLimits.lookMs, signal)
    }
    return true
  }

  /** SIGTERM, then SIGKILL to whatever is left of it. */
  async stop(): Promise<void> {
    const alive = this.processes
    for (const pid of alive) kill(pid, 'SIGTERM')
    const deadline = new Deadline(this.#clock, checkLimits.termMs)
    while (this.processes.length > 0 && !deadline.passed) await pause(this.#clock, checkLimits.lookMs, undefined)
    this.kill()
    this.#pty?.close()
  }

  /** Ends it at once, as a crash of the machine would. */
  kill(): void {
    // A process that forks meanwhile is seen in the next round.
    for (let round = 0; round < 20; round++) {
      const alive = this.processes
      if (alive.length === 0) return
      for (const pid of alive) kill(pid, 'SIGKILL')
    }
  }

  #take(chunk: Buffer): void {
    this.#lastOutputMs = this.#clock.monotonic()
    this.#outputBytes += chunk.length
    if (this.#output.length < checkLimits.outputBytes) this.#output = Buffer.concat([this.#output, chunk])
  }

  /** EchoAnswers a question if it asks one and hasn't been answered since it last wrote. */
  #answer(): void {
    if (this.#typed.length >= checkLimits.answers || !this.waitsForInput) {
      this.#seenBytes = -1
      return
    }
    // What it wrote before it began to wait may still be on its way to us: it is answered when the next look finds no more.
    const seen = this.#seenBytes
    this.#seenBytes = this.#outputBytes
    if (seen !== this.#outputBytes) return
    const now = this.#clock.monotonic()
    // It may not have read the last answer yet. One that waits again and has written nothing asks without words.
    if (this.#answeredBytes === this.#outputBytes && now - this.#answeredMs < checkLimits.readAnswerMs) return
    // What was typed isn't echoed: the next question may stand on the same line as the last one.
    const question = lastLine(this.#output.subarray(Math.max(0, this.#answeredBytes)).toString())
    this.#round = question === this.#question ? this.#round + 1 : 0
    this.#question = question
    this.#answeredBytes = this.#outputBytes
    this.#answeredMs = now
    this.type(
      this.#plan.typed[this.#typed.length] ?? answerFor(question, this.#round, this.#plan.answers, this.#plan.rules),
    )
  }
}

/** The command with `{port}` and its like filled in. */
export function filledIn(command: string, answers: PromptAnswers): string {
  return command.replace(/\{(host|port|user|password)\}/g, (_, name: keyof PromptAnswers) => String(answers[name]))
}

/** The last line that isn't empty. */
export function lastLine(output: string): string {
  return lastLines(output, 1)[0] ?? ''
}

/** The last lines that aren't empty, oldest first. */
export function lastLines(output: string, count: number): readonly string[] {
  return output
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}
