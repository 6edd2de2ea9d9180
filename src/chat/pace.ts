import type { Clock } from '../base/clock.ts'

/** Runs the callback a little later. */
export type Defer = (callback: () => void) => void

/**
 * Defers to the end of the turn of the event loop when the last callback was run at least `gapMs` ago, and by `gapMs`
 * otherwise. On a quiet server nothing waits; on a busy one what would have gone piece by piece gathers, and a wake-up
 * of another thread or a system call is paid once for all of it.
 */
export function paced(defer: Defer, clock: Clock, gapMs: number): Defer {
  let lastMs = Number.NEGATIVE_INFINITY
  return (callback) => {
    const run = (): void => {
      callback()
      lastMs = clock.monotonic()
    }
    if (clock.monotonic() - lastMs >= gapMs) defer(run)
    else clock.after(gapMs, run, { background: true })
  }
}
