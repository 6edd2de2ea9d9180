import { type BenchServices, isBusy, ProgramRuns, type Times, timesFor } from './bench.ts'
import { type Finding, traceIn } from './check.ts'
import { Conversation } from './conversation.ts'
import { checkLimits } from './limits.ts'
import { lastLine, type Program, type ProgramPlan, type RunningServer } from './program.ts'

/** A server that runs already; its program can't be started again, nor looked into. */
export interface Remote {
  readonly host: string
  readonly port: number
}

/** A bench for programs that listen on a TCP port. */
export class ServerBench {
  readonly runs: ProgramRuns
  readonly services: BenchServices
  readonly #remote: Remote | undefined
  #server: RunningServer | undefined
  /** First bytes of answers took so long, in ms. */
  readonly answers: number[] = []
  /** 2 when a silence is looked at again. */
  patience = 1
  /** Every conversation gets a run of its own, until it is known that one client after another is served. */
  singleUse = true
  /** The run that serves now has had a conversation. */
  spent = false
  /** Where the first run listened, and what was typed for it. */
  firstPort: number | undefined
  firstTyped: readonly string[] = []
  /** Every text that was made for a message. */
  readonly tokens: Buffer[] = []
  /** Checks that have passed so far. */
  readonly passes = new Set<string>()
  readonly #open = new Set<Conversation>()

  constructor(services: BenchServices, remote: Remote | undefined) {
    this.services = services
    this.runs = new ProgramRuns(services)
    this.#remote = remote
  }

  get times(): Times {
    return timesFor(this.answers, this.patience * (isBusy() ? 2 : 1))
  }

  /** Whether the program can be started again and looked into. */
  get owns(): boolean {
    return this.#remote === undefined
  }

  /** The run that serves now, or a new one: undefined with `startFinding` when it doesn't come up. */
  async server(): Promise<RunningServer | Finding> {
    if (this.#remote !== undefined) return { ...this.#remote, program: undefined }
    const running = this.#server
    if (running?.program !== undefined && running.program === this.runs.current && running.program.ended === undefined)
      return running
    return this.start()
  }

  /** Starts a new run beside nothing else: the one before is ended first. */
  async start(change: Partial<ProgramPlan> = {}): Promise<RunningServer | Finding> {
    await this.runs.discard()
    this.#server = undefined
    this.spent = false
    const program = await this.runs.start(change)
    const port = await this.untilListening(program, change.answers?.port ?? this.services.plan.answers.port)
    if (port === undefined) return this.startFinding(program)
    this.#server = { host: '127.0.0.1', port, program }
    return this.#server
  }

  /** The port on which it listens before its time is up: the one it was told, else the lowest. */
  async untilListening(program: Program, wanted: number): Promise<number | undefined> {
    const java = /\bjava\b/.test(this.services.plan.command)
    const ms = (java ? checkLimits.startJavaMs : checkLimits.startMs) * (isBusy() ? 2 : 1)
    const ports = (): readonly number[] => program.listening.filter(({ udp }) => !udp).map(({ port }) => port)
    if (!(await program.until(() => ports().length > 0, ms, this.services.signal))) return undefined
    const found = ports()
    const port = found.includes(wanted) ? wanted : Math.min(...found)
    if (this.firstPort === undefined) {
      this.firstPort = port
      this.firstTyped = [...program.typed]
    }
    this.runs.step(`it listens on port ${port}`, `она слушает порт ${port}`)
    return port
  }

  /** Why a program that was started serves nobody. */
  startFinding(program: Program): Finding {
    const output = program.output.toString()
    const { ended } = program
    const trace = traceIn(output)
    if (ended === undefined) {
      return program.waitsForInput
        ? {
            cause: 'asks',
            saw: {
              en: `it waits for input and does not listen; its last line: “${lastLine(output)}”; we typed ${quoted(program.typed)}`,
              ru: `программа ждёт ввода и не слушает порт; её последняя строка: «${lastLine(output)}»; мы ввели ${quoted(program.typed)}`,
            },
          }
        : {
            cause: 'deaf',
            saw: {
              en: 'it runs, but listens on no TCP port',
              ru: 'программа работает, но не слушает ни один TCP-порт',
            },
          }
    }
    const how = ended.signal ?? `exit code ${ended.code}`
    const ruHow = ended.signal ?? `код завершения ${ended.code}`
    if (trace !== undefined) {
      return {
        cause: 'crash',
        proof: true,
        saw: {
          en: `it ended at once (${how}): ${trace.line}`,
          ru: `программа сразу завершилась (${ruHow}): ${trace.line}`,
        },
      }
    }
    return {
      cause: ended.code === 127 || absent.test(output) ? 'missing' : 'ends',
      proof: true,
      saw: {
        en: `it ended at once (${how}); its last line: “${lastLine(output)}”`,
        ru: `программа сразу завершилась (${ruHow}); её последняя строка: «${lastLine(output)}»`,
      },
    }
  }

  /** Connects to the server; a system's code when that fails. All conversations still open are ended after the check. */
  async connect({ host, port }: RunningServer, from?: string): Promise<Conversation | string> {
    const { clock } = this.services
    const ms = this.times.answerMs
    let opened = await Conversation.open(port, ms, clock, { host, ...(from !== undefined && { from }) })
    // Some listen on IPv6 alone.
    if (opened === 'ECONNREFUSED' && host === '127.0.0.1' && from === undefined) {
      opened = await Conversation.open(port, ms, clock, { host: '::1' })
    }
    if (typeof opened === 'string') this.runs.step(`could not connect: ${opened}`, `не удалось подключиться: ${opened}`)
    else {
      this.spent = true
      this.#open.add(opened)
      this.runs.step('connected', 'подключились')
    }
    return opened
  }

  passed(id: string): boolean {
    return this.passes.has(id)
  }

  /** Ends every conversation of a check. */
  async closeAll(): Promise<void> {
    const open = [...this.#open]
    this.#open.clear()
    await Promise.all(open.map((conversation) => conversation.close(this.times.quietMs)))
  }

  /** A text of letters and digits that nobody can have prepared, with both cases in it. */
  token(length = 12): string {
    const letters = 'abcdefghkmnpqrstuvwxyz'
    const digits = '23456789'
    let text = ''
    for (let at = 0; at < length; at++) {
      const from = at % 3 === 0 ? letters.toUpperCase() : at % 5 === 4 ? digits : letters
      text += from[this.services.random.below(from.length)]
    }
    this.tokens.push(Buffer.from(text))
    return text
  }
}

export function isServer(started: RunningServer | Finding): started is RunningServer {
  return 'port' in started
}

/** How interpreters say that there is nothing to run. */
const absent =
  /can't open file|No such file or directory|Unable to access jarfile|Could not find or load main class|Cannot find module|file not found/

function quoted(typed: readonly string[]): string {
  return typed.length === 0 ? '–' : typed.map((line) => `“${line}”`).join(', ')
}
