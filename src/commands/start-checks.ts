import { NetworkError } from '../base/errors.ts'
import { serveLimits } from '../serve/limits.ts'

/**
 * Refuses to start a server whose threads could not even start: what they say then says nothing to an operator.
 * @param free descriptors that this process may still open
 * @param threads all that it starts at once; of them `spare` could be left out by asking for fewer
 * @param storageThreads of files, besides
 * @throws {NetworkError} EMFILE
 */
export function demandDescriptors(free: number, threads: number, spare: number, storageThreads = 0): void {
  const needed =
    threads * serveLimits.threadDescriptors +
    storageThreads * serveLimits.storageDescriptors +
    serveLimits.reservedDescriptors
  if (free >= needed) return
  const message = `this process may open ${free} more files and sockets, and a server needs at least ${needed}`
  const fewer = spare > 0 ? ', or ask for fewer --threads' : ''
  throw new NetworkError('EMFILE', message, { hint: `raise the limit (ulimit -n)${fewer}` })
}

const gib = 2 ** 30
/** What V8 reserves for the process and for each thread, used or not: measured on Node 24. */
const processGib = 1.25
const threadGib = 0.65

/**
 * Refuses to start a server for whose threads V8 could not reserve addresses: it would end the process without a word of ours.
 * @param threads beside the one that listens and the one that writes the log.
 * @throws {NetworkError}
 */
export function demandAddressSpace(bytes: number, threads: number): void {
  const neededGib = processGib + (threads + 2) * threadGib
  if (bytes >= neededGib * gib) return
  const has = (bytes / gib).toFixed(1)
  throw new NetworkError(
    'ENOMEM',
    `this process may reserve ${has} GiB of addresses, and this server needs ${neededGib.toFixed(1)}`,
    { hint: 'raise the limit (ulimit -v); addresses are not memory' },
  )
}
