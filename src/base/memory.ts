import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: ((options?: object) => void) | undefined

/** Collects the garbage of this thread now. */
export function collectGarbage(options?: object): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc')
  }
  collect?.(options)
}

/**
 * Gives what this thread no longer needs back to the system: left alone, V8 collects when it next needs room, and glibc keeps
 * free what was once taken. Where koffi is not there or the C library is another, only the first half happens.
 */
export async function giveBackMemory(): Promise<void> {
  // The ordinary kind keeps empty pages for eight seconds, in which more may be wanted.
  collectGarbage({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  try {
    // Every command loads this file at its start; few come here.
    const { openLibc } = await import('./libc.ts')
    const libc = await openLibc()
    libc?.library.func('int malloc_trim(size_t)')(0)
  } catch {
    // Then more stays with the process.
  }
}
