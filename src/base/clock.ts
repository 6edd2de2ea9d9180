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
