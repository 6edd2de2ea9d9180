import { NetworkError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

/**
 * Refuses to start a server whose threads could not even start: what they say then says nothing to an operator.
 * @param free descriptors that this process may still open
 * @param threads all that it starts at once; of them `spare` could be left out by asking for fewer
 * @param storageThreads of files, besides
 * @throws {NetworkError} EMFILE
 */
export function demandDescriptors(free: number, threads: number, spare: number, storageThreads = 0): void {
  const needed =
    threads * limits.threadDescriptors + storageThreads * limits.storageDescriptors + limits.reservedDescriptors
  if (free >= needed) return
  const message = `this process may open ${free} more files and sockets, and a server needs at least ${needed}`
  const fewer = spare > 0 ? ', or ask for fewer --threads' : ''
  throw new NetworkError('EMFILE', message, { hint: `raise the limit (ulimit -n)${fewer}` })
}
