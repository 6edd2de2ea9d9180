import { chatLimits } from '../chat/limits.ts'

/** Bounds of the commands, with unit and reason. Names end in their unit. */
export const commandLimits = {
  /** Addresses, in GiB, that V8 reserves for a process and for each of its threads, used or not: measured on Node 24. */
  processAddressGib: 1.25,
  threadAddressGib: 0.65,
  /** A certificate is warned of when it ends within so long: time for whoever renews it to be on holiday. */
  certificateNoticeMs: 14 * 86_400_000,
  /** How often that is looked at. */
  certificateWarningMs: 86_400_000,
  /** How often the files of a certificate are looked at. They are read when they have been the same twice: both are there then. */
  certificatePollMs: 1_000,
  /** How long a server may be silent before `connect` looks whether it waits for TLS: longer than the slowest greeting of ours. */
  tlsNoticeMs: 500,
  /** For the connection that finds out, and once more for its handshake. */
  tlsProbeMs: 5_000,
  /** What is remembered of the first bytes sent, to know them again. */
  firstBytes: 128,
  /** What is remembered of the last bytes received: a sentence by which a server ends the conversation. */
  lastBytes: 512,
  /** Bytes sent that are kept until they come back, if they do: more than the buffers of both systems hold. */
  echoBytes: 33_554_432,
  /** After the end of a person's input, how long a server may be silent before `connect` says what it waits for. */
  closingNoticeMs: 1_000,
  /** After Ctrl-Z, when it is looked whether the job was stopped at all: long after a signal has arrived. */
  suspendMs: 100,
  /** How often a job in the background looks whether it still is: a person notices no delay. */
  foregroundMs: 300,
  /** Further connections when the hello came later than `netLimits.dialectMs`: lost packets are sent again by then, or the path is no path. */
  helloRetryCount: 4,
  /** Lines that came while a question stood and are shown after it; of more only the latest are. */
  heldLineCount: 2_000,
  /** Chat lines sent and not answered: so few that the server recognises each resend, so many that a burst is not slowed down. */
  unansweredCount: chatLimits.duplicateFilterIds / 2,
} as const
