import { NetworkError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

/**
 * Refuses to start a server whose threads could not even start: what they say then says nothing to an operator.
 * @param free descriptors that this process may still open
 * @param threads those that serve clients
 * @throws {NetworkError} EMFILE
 */
export function demandDescriptors(free: number, threads: number): void {
  // One thread listens, one writes the log; the reserve also serves those that keep accounts and history.
  const needed = (threads + 2) * limits.threadDescriptors + limits.reservedDescriptors
  if (free >= needed) return
  const message = `this process may open ${free} more files and sockets, and a server needs at least ${needed}`
  const fewer = threads > 1 ? ', or ask for fewer --threads' : ''
  throw new NetworkError('EMFILE', message, { hint: `raise the limit (ulimit -n)${fewer}` })
}
