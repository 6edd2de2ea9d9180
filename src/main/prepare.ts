import { ownThreads } from '../protocols/own-threads.ts'
import { asksForHelp } from './asks-for-help.ts'
import { systemLimit } from './system-limits.ts'
import { prepareThread } from './threads.ts'

/** With fewer files than this, a server counts them before it starts a thread. */
const manyFiles = 256

/**
 * Starts the threads that the command line will want, while it is still being read. One that is wrong ends them, too. Where the
 * system gives little, nothing is started before the command has looked whether that is enough.
 */
export function prepareThreads(argv: readonly string[]): void {
  const [command, protocol = ''] = argv
  if (command !== 'serve' || !Object.hasOwn(ownThreads, protocol) || asksForHelp(argv)) return
  if ((systemLimit('Max open files') ?? manyFiles) < manyFiles) return
  if (systemLimit('Max address space') !== undefined) return
  prepareThread('listener', 'listener')
  for (const name of ownThreads[protocol] ?? []) prepareThread('store', name, true)
}
