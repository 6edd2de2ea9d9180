import { stripVTControlCharacters } from 'node:util'
import { type IPty, spawn } from '@lydell/node-pty'
import { guard, type Surroundings, surroundings } from './surroundings.ts'
import { deadlineMs } from './timeouts.ts'
import { WatchedText } from './watched-text.ts'

export const keys = {
  enter: '\r',
  ctrlC: '\x03',
  ctrlD: '\x04',
  up: '\x1b[A',
  down: '\x1b[B',
  backspace: '\x7f',
} as const

/** No control characters but those of lines; a terminal shows the others that are typed as `^Z`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
export const onlyLines = /^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$/

/** netlab on a terminal of its own: a person's view of it. It never outlives the test file. */
export class Terminal {
  /** All that was ever written to the terminal, without control sequences. */
  readonly screen = new WatchedText()
  /** The same with them. */
  written = ''
  readonly #pty: IPty
  readonly #finished: Promise<{ readonly exitCode: number; readonly signal: number }>

  constructor(args: readonly string[], options: Surroundings & { readonly columns?: number } = {}) {
    const { program, env, cwd } = surroundings(options)
    this.#pty = spawn(program, [...args], { env, cwd, cols: options.columns ?? 100, rows: 30 })
    let raw = ''
    this.#pty.onData((text) => {
      // A control sequence may be cut in two, so only whole ones are taken out.
      raw += text
      this.written += text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
      const cut = /\x1b(?:\[[0-?]*[ -/]*)?$/.exec(raw)?.index ?? raw.length
      this.screen.append(stripVTControlCharacters(raw.slice(0, cut)))
      raw = raw.slice(cut)
    })
    this.#finished = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.screen.finish(`netlab ended with ${exitCode}`)
        resolve({ exitCode, signal: signal ?? 0 })
      })
    })
    guard(() => this.#pty.kill('SIGKILL'), this.#finished)
  }

  get pid(): number {
    return this.#pty.pid
  }

  /** Presses keys: text, or some of `keys`. */
  press(...pressed: readonly string[]): void {
    for (const key of pressed) this.#pty.write(key)
  }

  /** Resolves once the screen shows `wanted`, after what the last wait matched. */
  see(wanted: string | RegExp): Promise<string> {
    return this.screen.waitFor(wanted)
  }

  /** The window is closed. (Not in the types of node-pty, but in all its terminals.) */
  hangUp(): void {
    const pty = this.#pty as IPty & { destroy(): void }
    pty.destroy()
  }

  finished(): Promise<{ readonly exitCode: number; readonly signal: number }> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.#pty.kill('SIGKILL')
        reject(new Error(`netlab did not end; the screen:\n${this.screen.text}`))
      }, deadlineMs)
      this.#finished.then(resolve).finally(() => clearTimeout(deadline))
    })
  }
}
