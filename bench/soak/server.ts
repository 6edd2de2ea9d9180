import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const netlab = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src', 'main', 'cli.ts')
/**
 * An eager collector: left alone, V8 collects the old objects of a thread for the first time when there are tens of megabytes
 * of them, which in five threads and ten minutes looks like a leak.
 */
const eager = '--heap-growing-percent=15'
/** Longer than any deadline of the server: whoever is still connected then will never be let go. */
const quietMs = 90_000
const stopMs = 30_000
const looks = 6
const lookMs = 4_000

export type Service = 'echo' | 'ident' | 'auth' | 'chat'

/** What a process holds while nobody is connected. */
export interface Holdings {
  /** Kinds of open descriptors, such as `socket`, with their number. */
  readonly descriptors: ReadonlyMap<string, number>
  readonly threads: number
  /** How often its threads woke up in a second: each timer that is left behind adds to it. */
  readonly wakeUpsPerS: number
}

/** A server under test with its operator at a pipe. Linux only: what it holds is read from /proc. */
export class SoakedServer {
  readonly service: Service
  readonly port: number
  /** Who was disconnected by the operator, such as `127.0.0.9:40123`. */
  readonly kicked = new Set<string>()
  /** Resident memory in MiB, one sample after the other. */
  readonly memoryMiB: number[] = []
  readonly #child: ChildProcessWithoutNullStreams
  readonly #folder: string
  #output = ''
  #errors = ''

  private constructor(service: Service, child: ChildProcessWithoutNullStreams, port: number, folder: string) {
    this.service = service
    this.port = port
    this.#child = child
    this.#folder = folder
    child.stdout.on('data', (text: string) => {
      this.#output += text
    })
    child.stderr.on('data', (text: string) => {
      this.#errors += text
    })
  }

  static async start(service: Service): Promise<SoakedServer> {
    const folder = mkdtempSync(join(tmpdir(), 'netlab-soak-'))
    const args = ['serve', service, '--host', '127.0.0.1', '--port', '0', '--threads', '2', '--tls']
    // All its visitors come from here.
    if (service === 'auth' || service === 'chat') args.push('--throttle-exempt', '127.0.0.0/8')
    const whole = [eager, netlab, ...args, '--idle-timeout', '20s']
    const child = spawn(process.execPath, whole, { cwd: folder, stdio: 'pipe' })
    child.stdout.setEncoding('utf8')
    child.stderr.setEncoding('utf8')
    for (let text = ''; ; ) {
      const [chunk] = await once(child.stdout, 'data')
      text += chunk
      const port = /listening on [^\n]*:(\d+)/.exec(text)?.[1]
      if (port !== undefined) return new SoakedServer(service, child, Number(port), folder)
    }
  }

  /** Disconnects somebody, if anybody is there. */
  async kickOne(pick: (count: number) => number): Promise<void> {
    const table = await this.#ask('clients', /no clients|^ID .*\n\d+ .*\n/m)
    const clients = [...table.matchAll(/^\s*(\d+)\s+(\S+)/gm)]
    const [, id, endpoint] = clients[pick(clients.length)] ?? []
    if (id === undefined || endpoint === undefined) return
    this.kicked.add(endpoint)
    this.#child.stdin.write(`kick ${id}\n`)
  }

  sample(): void {
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1]
    this.memoryMiB.push(Number(kib) / 1024)
  }

  /** Waits until nobody is connected any more, then looks. @throws when somebody stays. */
  async holdings(): Promise<Holdings> {
    const deadline = performance.now() + quietMs
    while (!/clients\s+0 of/.test(await this.#ask('status', /clients\s+\d+ of/))) {
      if (performance.now() > deadline) throw new Error('clients that left long ago are still counted as connected')
      await sleep(250)
    }
    // What is closed a moment later than the last conversation: descriptors of its socket, timers of its end.
    await sleep(2_000)
    const wakeUpsPerS = await this.#quietest()
    return { descriptors: this.#descriptors(), threads: this.#tasks().length, wakeUpsPerS }
  }

  /** Wake-ups in a second, the least of some looks: a timer that was left behind goes on, the collector comes to an end. */
  async #quietest(): Promise<number> {
    let least = Number.POSITIVE_INFINITY
    for (let look = 0; look < looks && least > 1; look++) {
      const before = this.#wakeUps()
      await sleep(lookMs)
      least = Math.min(least, ((this.#wakeUps() - before) * 1_000) / lookMs)
    }
    return least
  }

  /** Ends it by force if it still runs. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Asks it to stop; what was not as it should have been. */
  async stop(): Promise<string[]> {
    const ended = once(this.#child, 'exit', { signal: AbortSignal.timeout(stopMs) })
    this.#child.stdin.write('stop\n')
    const wrong: string[] = []
    try {
      const [code, signal] = await ended
      if (code !== 0) wrong.push(`it ended with ${code ?? signal}`)
    } catch {
      this.#child.kill('SIGKILL')
      wrong.push(`it did not stop within ${stopMs / 1000} s`)
    }
    const talk = this.#errors.replace(/^The certificate is valid until .*\n/m, '')
    if (talk !== '') wrong.push(`it said: ${talk.slice(0, 2_000)}`)
    for (const name of readdirSync(join(this.#folder, 'logs'))) {
      const lines = readFileSync(join(this.#folder, 'logs', name), 'utf8').split('\n')
      const bad = lines.filter((line) =>
        /"event":"(fault|thread-died|accept-failed|history-failed|log-gap)"/.test(line),
      )
      if (bad.length > 0) wrong.push(`${bad.length} faults in its log, the first: ${bad[0]}`)
    }
    rmSync(this.#folder, { recursive: true, force: true })
    return wrong
  }

  async #ask(command: string, answer: RegExp): Promise<string> {
    this.#output = ''
    this.#child.stdin.write(`${command}\n`)
    const deadline = performance.now() + stopMs
    while (!answer.test(this.#output)) {
      if (performance.now() > deadline) throw new Error(`no answer to "${command}", but: ${this.#output}`)
      await sleep(20)
    }
    return this.#output
  }

  #tasks(): string[] {
    return readdirSync(`/proc/${this.#child.pid}/task`)
  }

  #wakeUps(): number {
    return this.#tasks().reduce((sum, task) => {
      const status = readFileSync(`/proc/${this.#child.pid}/task/${task}/status`, 'utf8')
      return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])
    }, 0)
  }

  #descriptors(): Map<string, number> {
    const kinds = new Map<string, number>()
    const folder = `/proc/${this.#child.pid}/fd`
    for (const name of readdirSync(folder)) {
      const kind = kindOf(join(folder, name))
      if (kind !== undefined) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    return kinds
  }
}

/** `socket:[4711]` is a socket, `/tmp/x/netlab.db` is netlab.db; undefined when it was closed meanwhile. */
function kindOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(descriptor)
      .replace(/:\[\d+\]$/, '')
      .replace(/^.*\//, '')
  } catch {
    return undefined
  }
}
