import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterTests } from './after-tests.ts'

const program = fileURLToPath(new URL('./lock-child.ts', import.meta.url))

/** Another process that owns a file until it is ended. */
export class LockHolder {
  /** 'locked', or why not. */
  readonly said: Promise<string>
  readonly #child: ChildProcess

  /** @param prefix a command that starts the rest of its command line, such as `unshare` */
  constructor(path: string, prefix: readonly string[] = []) {
    const [command = '', ...args] = [...prefix, process.execPath, program, path]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    this.said = once(createInterface(child.stdout), 'line').then(([line]) => line)
    afterTests(() => this.end('SIGKILL'))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Lets it release the file and end, or kills it. */
  async end(signal?: 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    if (signal === undefined) this.#child.stdin?.end()
    else this.#child.kill(signal)
    await exit
  }
}
