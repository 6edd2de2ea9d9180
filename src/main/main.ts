import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { ExitCode, errorMessage, NetlabError } from '../base/errors.ts'
import { terminalText } from '../base/terminal-door.ts'
import type { StartThread } from '../base/threads.ts'
import { printable } from '../base/visible.ts'
import { commands } from '../commands/index.ts'
import { createContext } from './context.ts'
import { endOnHangUp, flushOutput } from './output.ts'
import { run } from './run.ts'
import { type ProcessSignals, signalExit } from './signals.ts'

/** Runs one command line from its words to the end of the process. */
export async function main(
  argv: readonly string[],
  startThread: StartThread,
  signals: ProcessSignals,
  tree = commands,
): Promise<void> {
  const context = createContext(startThread, signals)
  const debug = (context.environment.NETLAB_DEBUG ?? '') !== ''

  const crash = (error: unknown) => {
    // A question that was open when the terminal went away has no listener for that, and is ended by the signal.
    if (endOnHangUp(error, process.stdin)) return
    const { exit, text } = judge(error, context.signal, debug)
    try {
      // Not through the stream: the process ends before it could be written.
      writeSync(process.stderr.fd, terminalText(text))
    } catch {
      // Nobody can hear it.
    }
    process.exit(exit)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  process.once('beforeExit', () => crash(new Error('nothing was left to wait for, and the command had not ended')))

  let exit: number
  try {
    exit = await run(argv, tree, context)
  } catch (error) {
    const verdict = judge(error, context.signal, debug)
    context.stderr.write(verdict.text)
    exit = verdict.exit
  }
  await flushOutput()
  process.exit(exit)
}

export interface ExitReport {
  readonly exit: ExitCode
  /** For stderr; empty when nothing needs to be said. */
  readonly text: string
}

/**
 * What an error that reached the top means. A signal or a closed prompt ends quietly; a NetlabError is a sentence and a
 * next step; anything else is a bug of ours, in one line unless NETLAB_DEBUG asks for the stack.
 */
export function judge(error: unknown, signal: AbortSignal, debug: boolean): ExitReport {
  if (signal.aborted && isAbort(error, signal)) return { exit: signalExit(signal.reason), text: '' }
  if (error instanceof NetlabError) {
    if (error.exit === ExitCode.interrupted) return { exit: error.exit, text: '' }
    const hint = error.hint === undefined ? '' : `  ${printable(error.hint)}\n`
    const trace = debug ? `${insideOf(error)}\n` : ''
    return { exit: error.exit, text: `netlab: ${printable(error.message)}\n${hint}${trace}` }
  }
  const more = debug ? insideOf(error) : 'this is a bug in netlab; run it again with NETLAB_DEBUG=1 to see where'
  return { exit: ExitCode.software, text: `netlab: internal error: ${printable(firstLine(error))}\n  ${more}\n` }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || (error instanceof NetlabError && error.exit === ExitCode.interrupted)
}

/** All that is in an error: of a library's, with what the network sent. */
function insideOf(error: unknown): string {
  return inspect(error).split('\n').map(printable).join('\n')
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n', 1)[0] ?? ''
}
