import type { Clock } from './clock.ts'

/** Resolves `delayMs` from now, or as soon as `signal` is aborted. `background` is as in `Clock.after`. */
export function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal | undefined,
  options?: { readonly background?: boolean },
): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.after(delayMs, end, options)
    signal?.addEventListener('abort', end, { once: true })
  })
}
