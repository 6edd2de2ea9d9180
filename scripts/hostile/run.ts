import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Peers, Trial } from './commands.ts'
import type { Surroundings } from './surroundings.ts'
import type { Ended } from './verdict.ts'

const stepMs = 20
const deadlineMs = 30_000
const stopMs = 15_000
/** The first output may be lost. */
const outputMs = 3_000
const answerMs = 5_000
const silenceMs = 300

/** netlab in some surroundings, in a fresh folder that is also its home. */
export class Run implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'netlab-hostile-'))
  readonly child: ChildProcessWithoutNullStreams
  stdout = ''
  stderr = ''
  readonly #closed: Promise<unknown>

  constructor(netlab: string, args: readonly string[], { shell, env }: Pick<Surroundings, 'shell' | 'env'>) {
    chmodSync(this.folder, 0o755)
    const all = { PATH: process.env.PATH, LANG: 'C.UTF-8', TERM: 'xterm', HOME: this.folder, ...env }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    this.child = spawn('/bin/sh', ['-c', shell, netlab, ...args], { cwd: this.folder, env: given, stdio: 'pipe' })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.child.stdin.on('error', () => {})
    this.#closed = once(this.child, 'close')
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** True as soon as `done` is, false when netlab has ended or it takes too long. */
  async until(done: () => boolean | Promise<boolean>, forMs = deadlineMs): Promise<boolean> {
    for (let waited = 0; waited < forMs && !this.over; waited += stepMs) {
      if (await done()) return true
      await sleep(stepMs)
    }
    return done()
  }

  /** Processor seconds of all its threads so far; NaN when it has ended. */
  seconds(): number {
    try {
      const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / 100
    } catch {
      return Number.NaN
    }
  }

  async ended(withinMs: number): Promise<void> {
    if (!(await this.until(() => this.over, withinMs))) this.child.kill('SIGKILL')
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.over) this.child.kill('SIGKILL')
    await this.#closed
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** One command in one kind of surroundings, from its start to its end; `said` is what it answered. */
export async function tryOut(netlab: string, trial: Trial, around: Surroundings, peers: Peers, port: number) {
  await using run = new Run(netlab, trial.args(peers, port), { ...around, env: { ...around.env, ...trial.env } })
  const midway = (): void => {
    if (run.child.pid !== undefined && !run.over) around.midway?.(run.child.pid, run.folder)
  }
  const talks = trial.server !== undefined || trial.relay === true
  const outcome = await (talks ? beServed(netlab, trial, run, port, midway) : operate(trial, run, midway))
  const { exitCode, signalCode: signal } = run.child
  const { stdout, stderr } = run
  const { said = stdout, ...rest } = outcome
  const ended: Ended = { exitCode, signal, stdout, stderr, ...rest }
  return { ended, said }
}

interface Outcome extends Pick<Ended, 'failed' | 'idleSeconds'> {
  readonly said?: string
}

/** Talks to a server, leaves it alone for a second, and stops it. */
async function beServed(
  netlab: string,
  { server, relay }: Trial,
  run: Run,
  port: number,
  midway: () => void,
): Promise<Outcome> {
  if (!(await run.until(() => (relay ? hasUdp(port) : answers(port))))) {
    await run.ended(stopMs)
    return { failed: true, said: '' }
  }
  midway()
  const said = server === undefined ? await visitRelay(netlab, port) : await talk(port, server.say)
  const before = run.seconds()
  await sleep(1000)
  const idleSeconds = run.seconds() - before
  run.child.kill('SIGTERM')
  await run.ended(stopMs)
  return { failed: run.child.exitCode !== 0, idleSeconds, said }
}

/** Types what there is to type, and waits for the end. */
async function operate({ stdin = [], exitCode = 0 }: Trial, run: Run, midway: () => void): Promise<Outcome> {
  const [first, ...rest] = stdin
  if (first !== undefined) run.child.stdin.write(`${first}\n`)
  await run.until(() => run.stdout !== '', first === undefined ? 0 : outputMs)
  midway()
  for (const line of rest) run.child.stdin.write(`${line}\n`)
  run.child.stdin.end()
  await run.ended(deadlineMs)
  return { failed: run.child.exitCode !== exitCode }
}

/** Another netlab joins the relay, as usual, and says a word. */
async function visitRelay(netlab: string, port: number): Promise<string> {
  await using member = new Run(netlab, ['chat-udp', '127.0.0.1', String(port), '--name', 'Eve'], {
    shell: 'exec "$0" "$@"',
  })
  member.child.stdin.end('a word\n')
  await member.ended(deadlineMs)
  return member.stdout + member.stderr
}

/** What a server says to these lines, each sent when it has answered the one before. */
export async function talk(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  let said = ''
  let news = 0
  let over = false
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
    news++
  })
  socket.on('error', (error) => {
    said += `<${error.message}>`
  })
  socket.on('close', () => {
    over = true
  })
  /** Until something has come, and nothing more comes. */
  const answer = async (): Promise<void> => {
    const was = news
    for (let waited = 0; news === was && !over && waited < answerMs; waited += stepMs) await sleep(stepMs)
    for (let seen = -1; seen !== news && !over; ) {
      seen = news
      await sleep(silenceMs)
    }
  }
  for (const line of lines) {
    if (over) break
    socket.write(`${line}\n`)
    await answer()
  }
  socket.destroy()
  return said
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

function hasUdp(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return readFileSync('/proc/net/udp', 'utf8').includes(`:${hex} `)
}
