import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const built = join(here, '.build')
const netlab = join(here, '..', 'bin', 'netlab')

/** Compiles a program of bench/native with the system's C compiler. */
export function compile(name: string): string {
  mkdirSync(built, { recursive: true })
  const program = join(built, name)
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', program, join(here, 'native', `${name}.c`)], {
    stdio: 'inherit',
  })
  return program
}

export function installed(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** A server under test: a process of ours that listens on 127.0.0.1. */
export class BenchServer {
  readonly port: number
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child
    this.port = port
    this.#folder = folder
  }

  /** Starts a program and waits until its stdout matches; the match's first group, if any, is the port. */
  static async start(
    program: string,
    args: readonly string[],
    port: number,
    ready?: RegExp,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<BenchServer> {
    const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-'))
    const env = { ...process.env, ...environment }
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    // Read to its end, or a server that tells of each connection blocks when the pipe is full.
    child.stdout?.resume()
    const found = await new Promise<string>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)))
      if (ready === undefined) {
        setTimeout(resolve, 500, '')
        return
      }
      let text = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk
        const match = ready.exec(text)
        if (match !== null) resolve(match[1] ?? '')
      })
    })
    return new BenchServer(child, found === '' ? port : Number(found), folder)
  }

  static netlab(...args: string[]): Promise<BenchServer> {
    return BenchServer.serve('echo', ...args)
  }

  /** One of our services; BENCH_NETLAB names another netlab than this one. */
  static serve(service: string, ...args: string[]): Promise<BenchServer> {
    const common = ['--host', '127.0.0.1', '--port', '0', '--no-console']
    const program = process.env.BENCH_NETLAB ?? netlab
    return BenchServer.start(program, ['serve', service, ...common, ...args], 0, /listening on [^\n]*:(\d+)/)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Memory in use, in MiB; 0 where the system doesn't tell. */
  memoryMiB(): number {
    try {
      const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]
      return Number(kib ?? 0) / 1024
    } catch {
      return 0
    }
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    // The whole group: some of them have children that would stay.
    process.kill(-this.pid, 'SIGTERM')
    const force = setTimeout(() => process.kill(-this.pid, 'SIGKILL'), 8_000)
    await gone
    clearTimeout(force)
    this.#child.stdout?.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
