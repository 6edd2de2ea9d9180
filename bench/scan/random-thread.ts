import { parentPort } from 'node:worker_threads'
import { simulate } from '../../test/scan/pacing/simulator.ts'
import { idealMs } from './ideal.ts'
import { randomNetwork } from './random-network.ts'

/** What became of one random network. */
export interface RandomOutcome {
  readonly seed: number
  readonly open: number
  readonly missed: number
  /** Of those, on hosts that went away for good while they were scanned: nobody could find them. */
  readonly gone: number
  readonly complete: boolean
  readonly ended: boolean
  readonly expectedMissed: number
  readonly seconds: number
  readonly idealSeconds: number
  readonly probes: number
}

/** Scans the network of a seed. */
export function scanRandom(seed: number): RandomOutcome {
  const network = randomNetwork(seed)
  const { found, missed, complete, ended, expectedMissed, seconds, probes } = simulate(network)
  const open = found.length + missed.length
  const isGone = (port: string): boolean =>
    network.hosts[Number.parseInt(port, 10)]?.outageMs?.[1] === Number.POSITIVE_INFINITY
  const gone = missed.filter(isGone).length
  const idealSeconds = idealMs(network) / 1000
  return { seed, open, missed: missed.length, gone, complete, ended, expectedMissed, seconds, idealSeconds, probes }
}

// As a thread it is sent one seed after the other.
parentPort?.on('message', (seed: number) => parentPort?.postMessage(scanRandom(seed)))
