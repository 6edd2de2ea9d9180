import { ownThreads } from '../protocols/own-threads.ts'
import { asksForHelp } from './asks-for-help.ts'
import { prepareThread } from './threads.ts'

/** Starts the threads that the command line will want, while it is still being read. One that is wrong ends them, too. */
export function prepareThreads(argv: readonly string[]): void {
  const [command, protocol = ''] = argv
  if (command !== 'serve' || !Object.hasOwn(ownThreads, protocol) || asksForHelp(argv)) return
  prepareThread('listener', 'listener')
  for (const name of ownThreads[protocol] ?? []) prepareThread('store', name, true)
}
