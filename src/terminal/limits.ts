/** Bounds of what a terminal shows and keeps. Names end in their unit. */
export const terminalLimits = {
  /** Lines that the up arrow remembers. */
  historyCount: 1_000,
  /** Completions that Tab shows at once; more would push what was said off the screen. */
  completionCount: 50,
  /** One line from a pipe, in UTF-16 units; what is longer is cut. A person types less. */
  typedLineChars: 65_536,
  /** Lines read from a pipe ahead of whoever takes them; above it the input pauses. */
  aheadCount: 256,
  /** A wait shorter than this shows no spinner, which would only flash up. */
  spinnerDelayMs: 250,
  /** Diagnostics for a standard error that nobody reads; above it they are counted instead of kept. */
  diagnosticsBytes: 1_048_576,
  /** The bar of a progress line: no longer than the eye needs, and none where it would be too short to tell anything. */
  barColumns: 40,
  minBarColumns: 8,
} as const
