import { writeSync } from 'node:fs'
import type { StartThread } from '../base/threads.ts'
import { commands } from '../commands/index.ts'
import { createContext } from './context.ts'
import { endOnHangUp, flushOutput } from './output.ts'
import { judge } from './report.ts'
import { run } from './run.ts'

/** Runs one command line from its words to the end of the process. */
export async function main(
  argv: readonly string[],
  startThread: StartThread,
  signal: AbortSignal,
  tree = commands,
): Promise<void> {
  const context = createContext(startThread, signal)
  const debug = (context.environment.NETLAB_DEBUG ?? '') !== ''

  const crash = (error: unknown) => {
    // A question that was open when the terminal went away has no listener for that, and is ended by the signal.
    if (endOnHangUp(error, process.stdin)) return
    const { exit, text } = judge(error, context.signal, debug)
    try {
      // Not through the stream: the process ends before it could be written.
      writeSync(process.stderr.fd, text)
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
