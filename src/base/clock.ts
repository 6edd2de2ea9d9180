/** A pending callback; `cancel` is harmless after it ran. */
export interface Timer {
  cancel(): void
}

/** The only source of time below `main`, so that tests and simulations can replace it. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Monotonic time in milliseconds from an arbitrary origin, with fractions. Never runs backwards. */
  monotonic(): number
  /** Runs `callback` once, `delayMs` from now. A pending timer does not keep the process alive when `background` is set. */
  after(delayMs: number, callback: () => void, options?: { readonly background?: boolean }): Timer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback, options) {
    const timer = setTimeout(callback, delayMs)
    if (options?.background === true) timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

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

/** The moment by which something has to be done, on the monotonic clock. */
export class Deadline {
  readonly #clock: Clock
  readonly #atMs: number

  /** `inMs` from now. */
  constructor(clock: Clock, inMs: number) {
    this.#clock = clock
    this.#atMs = clock.monotonic() + inMs
  }

  /** Time that is left, never negative. */
  get leftMs(): number {
    return Math.max(0, this.#atMs - this.#clock.monotonic())
  }

  get passed(): boolean {
    return this.#clock.monotonic() >= this.#atMs
  }
}
