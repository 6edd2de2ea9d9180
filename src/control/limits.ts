/** Bounds of the control socket, with unit and reason. Names end in their unit. */
export const controlLimits = {
  /** One message: the longest is the answer to `logs`, with 10,000 lines. Both ends are one user's. */
  messageBytes: 67_108_864,
  /** Whoever connects says within so long what they want: a program does at once. */
  requestMs: 10_000,
  /** How long a server that starts waits to hear what another one in its folder serves, only to say so. */
  greetingMs: 500,
  /** Commands at a time. All are of one person, or of health checks. */
  connectionCount: 32,
  /** How long `netlab control` waits for an answer, and for the end of a server that it stopped: longer than that may drain. */
  answerMs: 15_000,
} as const
