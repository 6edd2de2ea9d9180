import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { guard, type Surroundings, surroundings } from './surroundings.ts'
import { deadlineMs } from './timeouts.ts'
import { WatchedText } from './watched-text.ts'

export interface Finished {
  readonly stdout: string
  readonly stderr: string
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunOptions extends Surroundings {
  /** Written to stdin, which is then closed. */
  readonly stdin?: string | Uint8Array
}

/** Runs netlab to its end. Rejects, and ends it, when it takes longer than the deadline. */
export async function runNetlab(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const netlab = startNetlab(args, options)
  netlab.process.stdin.end(options.stdin ?? '')
  return netlab.finished(deadlineMs)
}

/** Starts netlab and leaves it running, its stdin an open pipe: for servers. It never outlives the test file. */
export function startNetlab(args: readonly string[], options: Surroundings = {}): RunningNetlab {
  return new RunningNetlab(args, options)
}

export class RunningNetlab implements AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams
  readonly stdout = new WatchedText()
  readonly stderr = new WatchedText()
  readonly #finished: Promise<Finished>

  constructor(args: readonly string[], options: Surroundings) {
    const { program, env, cwd } = surroundings(options)
    this.process = spawn(program, args, { env, cwd, stdio: 'pipe' })
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => this.stdout.append(text))
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => this.stderr.append(text))
    // It may end without reading what we wrote.
    this.process.stdin.on('error', () => {})
    this.#finished = new Promise((resolve, reject) => {
      this.process.once('error', reject)
      this.process.once('close', (exitCode, signal) => {
        const end = `netlab ended with ${exitCode ?? signal}, having said on stderr: ${this.stderr.text}`
        this.stdout.finish(end)
        this.stderr.finish(end)
        resolve({ stdout: this.stdout.text, stderr: this.stderr.text, exitCode, signal })
      })
    })
    guard(() => this.process.kill('SIGKILL'), this.#finished)
  }

  /** The next whole line on stdout that matches, as soon as it is there. */
  line(wanted: RegExp): Promise<string> {
    return this.stdout.waitFor(new RegExp(`^.*${wanted.source}.*(?=\\n)`, `${wanted.flags.replace('m', '')}m`))
  }

  /** Writes a line to stdin, as an operator would. */
  type(line: string): void {
    this.process.stdin.write(`${line}\n`)
  }

  /** Resolves at its end; rejects, and ends it by force, when that takes too long. */
  finished(withinMs = deadlineMs): Promise<Finished> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.process.kill('SIGKILL')
        reject(new Error(`netlab did not end; stdout: ${this.stdout.text} stderr: ${this.stderr.text}`))
      }, withinMs)
      this.#finished.then(resolve, reject).finally(() => clearTimeout(deadline))
    })
  }

  /** Asks it to stop, and waits until it has. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> {
    this.process.kill(signal)
    return this.finished()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL')
    await this.#finished.catch(() => {})
  }
}
