import { PassThrough } from 'node:stream'
import type { CommandContext } from '../../src/commands/command.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface FakeContext {
  readonly context: CommandContext
  readonly clock: VirtualClock
  /** Everything written so far. */
  stdout(): string
  stderr(): string
  /** What a signal does: `interrupt('SIGINT')`. */
  interrupt(signal: NodeJS.Signals): void
  /** Runs what was registered with onExit, as the end of the process does. */
  leave(): void
}

/** A process for a command that runs inside a test: off a terminal, with an empty stdin unless one is given. */
export function fakeContext(given: Partial<Pick<CommandContext, 'environment' | 'startThread'>> = {}): FakeContext {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const leaving: (() => void)[] = []
  const written = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof written) => {
    const stream = new PassThrough().setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
    })
    return stream as unknown as NodeJS.WriteStream
  }
  const stdin = new PassThrough()
  stdin.end()
  return {
    clock,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    interrupt: (signal) => controller.abort(signal),
    leave: () => {
      for (const callback of leaving.splice(0)) callback()
    },
    context: {
      stdinKind: 'other',
      machine: {
        version: '0.0.0',
        pid: 4711,
        cores: 2,
        freeDescriptors: () => 1000,
        addressSpaceBytes: () => Number.POSITIVE_INFINITY,
        memoryBytes: () => Number.POSITIVE_INFINITY,
        residentBytes: () => 50_000_000,
        addresses: () => ['192.0.2.1'],
        portHolder: () => undefined,
      },
      isDumb: false,
      enterFolder: () => undefined,
      onReload: () => undefined,
      interrupt: () => controller.abort('SIGINT'),
      suspend: () => {},
      onContinue: () => () => {},
      isInForeground: () => true,
      stdin: stdin as unknown as NodeJS.ReadStream,
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      environment: given.environment ?? {},
      clock,
      ownCommand: [],
      startThread:
        given.startThread ??
        (() => {
          throw new Error('this command was not expected to start a thread')
        }),
      signal: controller.signal,
      tellSupervisor: () => {},
      onExit: (callback) => void leaving.push(callback),
    },
  }
}
