import { Writable } from 'node:stream'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { ExitCode } from '../../src/base/errors.ts'
import type { CommandContext } from '../../src/commands/command.ts'
import { scanCommand } from '../../src/commands/scan/index.ts'
import type { ScanCommandServices } from '../../src/commands/scan/run.ts'
import { parseArguments } from '../../src/main/parse.ts'
import { resolve } from '../../src/options/resolve.ts'
import type { AskTls } from '../../src/scan/tls-info.ts'
import type { PortResult, ScanDoubt, ScanPlan, ScanSummary } from '../../src/scan/types.ts'
import { FakeKeyboard, FakeScreen } from './fake-terminal.ts'

/** What the fake network says of a port; undefined means that it is never answered. */
export type Answer = (address: string, port: number, round: number) => Partial<PortResult> | undefined

/** A scanner that knows everything at once and answers in the worst order, one result each turn of the event loop. */
export function fakeScan(
  answer: Answer,
  afterEach: (done: number) => void | Promise<void> = () => {},
  doubt: ScanDoubt = { complete: true, expectedMissed: 0, evidence: [], notes: [] },
) {
  const plans: { readonly hosts: readonly string[]; readonly plan: ScanPlan }[] = []
  const scan: ScanCommandServices['scan'] = async (plan, { signal, observer }) => {
    const hosts = [...plan.hosts]
    plans.push({ hosts: hosts.map(({ address }) => address), plan })
    const round = plans.length
    let errors = 0
    const portsOf = plan.portsOf ?? (() => plan.ports)
    const total = hosts.reduce((sum, host) => sum + portsOf(host).length, 0)
    let done = 0
    for (const host of hosts.toReversed()) {
      for (const port of portsOf(host).toReversed()) {
        await new Promise(setImmediate)
        if (signal.aborted) break
        const said = answer(host.address, port, round)
        if (said === undefined) continue
        const result: PortResult = { host, port, state: 'closed', reason: 'refused', attempts: 1, ...said }
        done++
        if (result.state === 'error') errors++
        observer.result(result)
        observer.progress({ rate: 1000, sent: done }, () => doubt)
        await afterEach(done)
      }
    }
    const summary: ScanSummary = {
      ...doubt,
      complete: doubt.complete && done === total && errors === 0,
      lasting: doubt,
      engine: 'net',
      threads: 1,
      probes: done,
      retries: 0,
      notScanned: total - done,
    }
    return summary
  }
  return { scan, plans }
}

export const open = { state: 'open', reason: 'connected', rttMs: 0.5 } as const

/** Everything is closed but the given ports. */
export function openPorts(...ports: readonly number[]): Answer {
  return (_, port) => (ports.includes(port) ? open : {})
}

class Captured extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

export interface FakeRun {
  readonly answer?: Answer
  readonly names?: Readonly<Record<string, readonly string[]>> | ((name: string) => readonly string[] | undefined)
  /** What the scanner says is in doubt. */
  readonly doubt?: ScanDoubt
  readonly stdin?: string
  /** Whoever writes to stdin has not said all yet. */
  readonly stdinStaysOpen?: boolean
  /** stderr and stdin are a terminal of so many columns. */
  readonly columns?: number
  /** Ctrl-C came before the command began. */
  readonly interruptedBefore?: boolean
  /** Called after each result. */
  readonly afterEach?: (done: number, run: Controls) => void
  /** Awaited after each result. */
  readonly betweenResults?: (done: number) => Promise<void>
  readonly clock?: Clock
  readonly isDumb?: boolean
  readonly askTls?: AskTls
  /** Told of Ctrl-Z. */
  readonly onSuspend?: () => void
  readonly inForeground?: () => boolean
}

export interface Controls {
  /** As Ctrl-C outside raw mode would. */
  interrupt(): void
  press(key: string): void
  /** As SIGCONT would. */
  goOn(): void
  isRaw(): boolean
  screen(): readonly string[]
}

/** Runs `netlab scan` with words as on a command line, over a fake network and fake streams. */
export async function runScanCommand(words: readonly string[], options: FakeRun = {}) {
  const stopping = new AbortController()
  const stdout = new Captured()
  const talk = new Captured()
  const screen = new FakeScreen(options.columns)
  const keyboard = new FakeKeyboard()
  const onTerminal = options.columns !== undefined
  const pipe = new FakeKeyboard()
  Object.defineProperty(pipe, 'isTTY', { value: undefined })
  if (options.stdinStaysOpen !== true) pipe.end(options.stdin ?? '')
  let continued = (): void => {}
  const interrupt = (): void => stopping.abort('SIGINT')
  const context = {
    stdin: onTerminal ? keyboard : pipe,
    stdinKind: onTerminal ? 'terminal' : 'pipe',
    stdout,
    stderr: onTerminal ? screen : talk,
    environment: {},
    isDumb: options.isDumb === true,
    suspend: () => options.onSuspend?.(),
    onContinue: (callback: () => void) => {
      continued = callback
      return () => {}
    },
    isInForeground: () => options.inForeground?.() ?? true,
    machine: { cores: 2, freeDescriptors: () => 1000 },
    clock: options.clock ?? systemClock,
    startThread: () => {
      throw new Error('the fake scanner needs no threads')
    },
    signal: stopping.signal,
    interrupt,
    tellSupervisor: () => {},
    onExit: () => {},
  } as unknown as CommandContext
  if (options.interruptedBefore === true) interrupt()
  const controls = {
    goOn: () => continued(),
    isRaw: () => keyboard.isRaw,
    screen: () => screen.text,
    interrupt,
    press: (key: string) => void keyboard.write(key),
  }
  const afterEach = (done: number): void | Promise<void> => {
    options.afterEach?.(done, controls)
    return options.betweenResults?.(done)
  }
  const { scan, plans } = fakeScan(options.answer ?? openPorts(), afterEach, options.doubt)
  const command = scanCommand({
    scan,
    names: async () => ({
      async lookup(name) {
        const { names } = options
        const found = typeof names === 'function' ? names(name) : names?.[name]
        if (found === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
        return found
      },
      close: () => {},
    }),
    askTls: options.askTls ?? (async () => undefined),
    zones: () => new Map([['eth0', 'eth0']]),
  })
  const flags = parseArguments(command, 'netlab scan', words)
  const running = resolve(command.options, { flags, environment: {} }).then((values) => command.run(values, context))
  const finish = (exit: ExitCode) => ({
    exit,
    stdout: stdout.text,
    stderr: talk.text,
    screen: screen.text.filter((line) => line !== ''),
    plans,
    rawAfter: keyboard.isRaw,
  })
  return running.then(finish)
}
