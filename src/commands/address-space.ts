import { NetworkError } from '../base/errors.ts'

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
