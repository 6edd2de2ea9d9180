import type { Surroundings } from './surroundings.ts'

export interface Ended {
  /** Null when it had to be ended by force. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** It never served, or ended with another exit code than the one for success. */
  readonly failed: boolean
  /** Processor time in a second in which it had nothing to do, where that was looked at. */
  readonly idleSeconds?: number
}

/** What nobody should ever see. */
const inwards =
  /^\s+at .*[:(]\d+:\d+\)?$|internal error|bug in netlab|FATAL ERROR|Fatal error|Assertion|node:internal|Uncaught|UnhandledPromise|\(Use `node|ELIFECYCLE|\[object|undefined/m

/** Exit codes that are told in the README; anything but 70. */
const known = new Set([0, 1, 64, 69, 74, 76, 130, 143])

/**
 * What is wrong with how a run went; undefined when it worked, or failed in a way that a person can do something about.
 * @param answered it said what it says where all is well
 */
export function fault(ended: Ended, answered: boolean, { deaf, loses }: Surroundings): string | undefined {
  const { exitCode, signal, stdout, stderr, failed, idleSeconds = 0 } = ended
  if (signal === 'SIGKILL') return 'it did not end'
  if (exitCode === null) return `ended by ${signal}`
  const all = stdout + stderr
  const shown = inwards.exec(all)?.[0]
  if (shown !== undefined) return `it shows its inside: ${shown.trim()}`
  if (!known.has(exitCode)) return `exit code ${exitCode}`
  if (idleSeconds > 0.3) return `busy while it had nothing to do: ${idleSeconds.toFixed(1)} s of a second`
  if (!failed) return answered || loses === true ? undefined : 'it ended well, but did not answer as it should'
  if (exitCode === 0) return 'it did not work, and ended with 0'
  if (deaf !== true && !/\n {2}\S/.test(stderr)) return 'it failed without a next step'
  return undefined
}
