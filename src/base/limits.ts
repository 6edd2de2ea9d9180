/**
 * The bounds that several rooms share, each with its unit and its reason; a room's own are in its `limits.ts`. Whatever a peer
 * can make grow has one. Names end in their unit: Bytes, Ms, Count.
 */
export const limits = {
  /** One text line, terminator included. A person types less, and a line is held in memory until it is whole. */
  lineBytes: 65_536,
  /** How long open conversations may go on once the server was told to stop. */
  drainMs: 5_000,
  /** Ports tried after the one that was asked for. */
  portFallbackCount: 100,
  /** Connecting, name resolution included. */
  connectMs: 10_000,
  /** How long one writer of netlab.db waits for another one in the same file. */
  databaseBusyMs: 5_000,
  /** A client's mark of a request, `ref`: a UUID and some more. */
  refChars: 64,
  /** Messages that make no sense before a connection is closed. */
  badMessages: 10,
  /** A queue gives up so many places in front before the rest moves forward. */
  fifoSlackCount: 1_024,
} as const
