import { PassThrough, type Readable, type Writable } from 'node:stream'
import type { CommandContext } from '../../src/commands/command.ts'
import { VirtualClock } from './virtual-clock.ts'
import { WatchedText } from './watched-text.ts'

export interface TestContext {
  readonly context: CommandContext
  /** The default stdin, for whoever gave no other. */
  readonly stdin: PassThrough
  /** What was written to the default stdout and to stderr. */
  readonly stdout: WatchedText
  readonly stderr: WatchedText
  readonly clock: VirtualClock
  abort(signal: NodeJS.Signals): void
}

/** A command's surroundings made of plain streams; no terminal unless one is given. */
export function testContext(streams: { stdin?: Readable; stdout?: Writable; stderrIsTTY?: boolean } = {}): TestContext {
  const stdin = new PassThrough()
  const stdout = watched()
  const stderr = watched()
  const clock = new VirtualClock()
  const aborting = new AbortController()
  const input = streams.stdin ?? stdin
  const context = {
    stdin: input,
    stdinKind: 'isTTY' in input && input.isTTY === true ? 'terminal' : 'pipe',
    stdout: streams.stdout ?? stdout.stream,
    // What is piped into a process's own stream does not end it; a question that was answered would.
    stderr: Object.assign(stderr.stream, { isTTY: streams.stderrIsTTY === true, end: () => stderr.stream }),
    environment: {},
    clock,
    startThread: () => {
      throw new Error('no threads here')
    },
    signal: aborting.signal,
    onReload: () => undefined,
    tellSupervisor: () => undefined,
    onExit: () => undefined,
  }
  return {
    // Commands use of these streams what every stream has.
    context: context as unknown as CommandContext,
    stdin,
    stdout: stdout.text,
    stderr: stderr.text,
    clock,
    abort: (signal) => aborting.abort(signal),
  }
}

function watched(): { stream: PassThrough; text: WatchedText } {
  const stream = new PassThrough()
  const text = new WatchedText()
  stream.setEncoding('utf8').on('data', (chunk: string) => text.append(chunk))
  return { stream, text }
}
