import { deadlineMs } from './timeouts.ts'

/**
 * Lets the event loop turn until the condition holds; `what` says in a sentence what is waited for.
 * @throws when it does not in time, so that a test that has lost what it waits for ends and says so.
 */
export async function turnUntil(condition: () => boolean | Promise<boolean>, what = 'this'): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${deadlineMs / 1000} s`)
    await new Promise(setImmediate)
  }
}

/** What the promise resolves to. @throws when that takes too long; `what` says what was waited for. */
export async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`${what} did not come within ${deadlineMs / 1000} s`)),
    deadlineMs,
  )
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Repeats `round` while it returns true, without a turn of the event loop. @throws when it does not stop by itself. */
export function whileTrue(round: () => boolean, mostRounds = 10_000): void {
  for (let rounds = 0; round(); rounds++) {
    if (rounds === mostRounds) throw new Error(`there was still something to do after ${mostRounds} rounds`)
  }
}
