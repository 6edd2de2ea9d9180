import { asksForHelp } from './asks-for-help.ts'
import { systemLimit } from './system-limits.ts'
import { prepareThread } from './threads.ts'

/** With fewer files than this, a server counts them before it starts a thread. */
const manyFiles = 256

/**
 * Starts the thread that the command line will want, while it is still being read. One that is wrong ends it, too. Where the
 * system gives little, nothing is started before the command has looked whether that is enough.
 */
export function prepareThreads(argv: readonly string[]): void {
  const [command, protocol] = argv
  if (command !== 'serve' || protocol === undefined || asksForHelp(argv)) return
  if ((systemLimit('Max open files') ?? manyFiles) < manyFiles) return
  if (systemLimit('Max address space') !== undefined) return
  prepareThread('listener', 'listener')
}
