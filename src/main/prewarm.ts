import { mainLimits } from './limits.ts'
import { systemLimit } from './machine.ts'
import { prewarmThread } from './threads.ts'

/**
 * Starts the thread that the command line will want, while it is still being read. One that is wrong ends it, too. Where the
 * system gives little, nothing is started before the command has looked whether that is enough.
 */
export function prewarmThreads(argv: readonly string[]): void {
  const [command, protocol] = argv
  if (command !== 'serve' || protocol === undefined || asksForHelp(argv)) return
  if ((systemLimit('Max open files') ?? mainLimits.countedDescriptors) < mainLimits.countedDescriptors) return
  if (systemLimit('Max address space') !== undefined) return
  prewarmThread('listener', 'listener')
}

/** Whether help is asked for anywhere among the options. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h')
}
