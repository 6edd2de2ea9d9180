import type { EventSink } from '../base/events.ts'
import { logLimits } from '../log/limits.ts'
import { type LogQuery, parseLogQuery } from '../log/log-filter.ts'
import type { OperatorCommand } from '../terminal/operator-console.ts'

/** The log as its operator's commands see it; lines are rendered for a person. */
export interface OperatorLog {
  /** Whose lines may be in it. */
  readonly services: readonly string[]
  /** The last lines that are wanted, oldest first. @throws {NetlabError} */
  tail(query: LogQuery): Promise<readonly string[]>
  /** The same, and then what comes, until the signal is aborted. @throws {NetlabError} */
  follow(query: LogQuery, show: (text: string) => Promise<void>, signal: AbortSignal): Promise<void>
  /** @throws {NetlabError} */
  clear(): Promise<void>
}

/** `logs`, the same for every server. */
export const logsCommand: OperatorCommand<{ readonly log: OperatorLog }> = {
  usage: 'logs [-f] [N] [WHICH]',
  summary: `the last lines of the log (${logLimits.tailCount}); WHICH: chat, client 7, warning, traffic …; -f: and what comes`,
  text: true,
  async run([words = ''], { log }, operator) {
    const query = parseLogQuery(words.split(/\s+/).filter(Boolean), log.services)
    if (query.follow) {
      await operator.follow((show, signal) => log.follow(query, show, signal))
      return ''
    }
    const lines = await log.tail(query)
    if (lines.length > 0) return lines.join('\n')
    return words === '' ? 'the log is empty' : 'no line of the log is like that'
  },
}

/** What `clear logs` does. */
export async function clearLog({ log, record }: { readonly log: OperatorLog; readonly record: EventSink }) {
  await log.clear()
  record({ type: 'logs-cleared' })
  return 'the log is empty'
}
