import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../src/main/cli.ts', import.meta.url))

/** A netlab server in a process and a folder of its own. */
export class BenchServer {
  readonly port: number
  readonly #child: ChildProcessByStdio<null, Readable, null>
  readonly #folder: string

  private constructor(child: ChildProcessByStdio<null, Readable, null>, folder: string, port: number) {
    this.#child = child
    this.#folder = folder
    this.port = port
  }

  static async start(service: string): Promise<BenchServer> {
    const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-'))
    // Frames only: on a busy machine a client may seem silent for the 250 ms that make it a person.
    const args = [cli, 'serve', service, '--host', '127.0.0.1', '--port', '0', '--no-console', '--framing', 'frames']
    // All its clients come from here.
    if (service === 'auth') args.push('--throttle-exempt', '127.0.0.0/8')
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(child.stdout)) {
      const port = /:(\d+)$/.exec(line)?.[1]
      if (port !== undefined) return new BenchServer(child, folder, Number(port))
    }
    throw new Error(`${service} did not start`)
  }

  /** Resident memory in MiB, now and at its highest (proc(5), VmRSS and VmHWM). */
  memory(): { readonly nowMib: number; readonly peakMib: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
    return { nowMib: mib('VmRSS'), peakMib: mib('VmHWM') }
  }

  /** Processor seconds used so far, of all threads. */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exit
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
