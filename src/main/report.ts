import { inspect } from 'node:util'
import { ExitCode, errorMessage, NetlabError } from '../base/errors.ts'
import { printable } from '../base/visible.ts'
import { signalExit } from './signals.ts'

export interface Verdict {
  readonly exit: ExitCode
  /** For stderr; empty when nothing needs to be said. */
  readonly text: string
}

/**
 * What an error that reached the top means. A signal or a closed prompt ends quietly; a NetlabError is a sentence and a
 * next step; anything else is a bug of ours, in one line unless NETLAB_DEBUG asks for the stack.
 */
export function judge(error: unknown, signal: AbortSignal, debug: boolean): Verdict {
  if (signal.aborted && isAbort(error, signal)) return { exit: signalExit(signal.reason), text: '' }
  if (error instanceof NetlabError) {
    if (error.exit === ExitCode.interrupted) return { exit: error.exit, text: '' }
    const hint = error.hint === undefined ? '' : `  ${printable(error.hint)}\n`
    const trace = debug ? `${inspect(error)}\n` : ''
    return { exit: error.exit, text: `netlab: ${printable(error.message)}\n${hint}${trace}` }
  }
  const more = debug ? inspect(error) : 'this is a bug in netlab; run it again with NETLAB_DEBUG=1 to see where'
  return { exit: ExitCode.software, text: `netlab: internal error: ${printable(firstLine(error))}\n  ${more}\n` }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || (error instanceof NetlabError && error.exit === ExitCode.interrupted)
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n', 1)[0] ?? ''
}
