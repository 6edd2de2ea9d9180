import { datagramLimits } from './limits.ts'

/**
 * Copies of a datagram by try, from 1. Whatever had to be sent again is on a bad line: five single sends all fail once in 400 times where
 * 30 % are lost, these 12 once in two million. They are spaced out, because losses come in bursts.
 */
const copies = [1, 2, 3, 3, 3] as const

/** Between two copies of one try. */
export const copyGapMs = 20

export function copiesOf(tries: number): number {
  return copies[Math.min(tries, datagramLimits.tries) - 1] ?? 1
}
