import { median } from '../measure.ts'
import type { Holdings } from './server.ts'

/** Memory may still settle by this much: the heap of each thread grows until its first full collection. */
const settlingShare = 0.15
const settlingMiB = 12
/** Wake-ups in a second that say nothing: the collector, the clock of the log. */
const idleWakeUps = 5

/** What is left behind that was not there before; empty when nothing is. */
export function leaks(before: Holdings, after: Holdings): string[] {
  const found: string[] = []
  for (const [kind, count] of after.descriptors) {
    const was = before.descriptors.get(kind) ?? 0
    if (count > was) found.push(`${count - was} more descriptors of the kind ${kind} (${was} before, ${count} now)`)
  }
  if (after.threads > before.threads) found.push(`${after.threads - before.threads} more threads`)
  if (after.wakeUpsPerS > before.wakeUpsPerS + idleWakeUps) {
    found.push(
      `${after.wakeUpsPerS} wake-ups a second with nobody connected, ${before.wakeUpsPerS} before: a timer is left`,
    )
  }
  return found
}

/** Compares the second quarter of the samples with the last. */
export function growth(memoryMiB: readonly number[]): {
  readonly was: number
  readonly is: number
  readonly flat: boolean
} {
  const quarter = Math.floor(memoryMiB.length / 4)
  const was = median(memoryMiB.slice(quarter, 2 * quarter))
  const is = median(memoryMiB.slice(-quarter))
  return { was, is, flat: is <= was * (1 + settlingShare) + settlingMiB }
}
