import { availableParallelism } from 'node:os'

/** Processors beside the one that is left to everyone else; at least one. */
export function spareProcessors(): number {
  return Math.max(1, availableParallelism() - 1)
}
