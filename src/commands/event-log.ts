import { resolve } from 'node:path'
import { errorCode, StorageError } from '../base/errors.ts'
import { type EventLog, startLog } from '../log/event-log.ts'
import { logLimits } from '../log/limits.ts'
import type { LogDestination } from '../log/messages.ts'
import { renderLine } from '../log/render.ts'
import type { OperatorLog } from '../terminal/operator-console.ts'
import type { CommandContext } from './command.ts'

export interface EventLogOptions {
  readonly logTo: LogDestination
  readonly logFile: string
}

/**
 * Opens the event log of a server as --log-to and --log-file ask; it is complete at every way out of the process.
 * `diagnostic` shows its console lines and its troubles.
 * @throws {StorageError} also when the current folder is gone: no thread can be started then.
 */
export function openEventLog(
  { logTo, logFile }: EventLogOptions,
  { clock, startThread, onExit }: CommandContext,
  diagnostic: (line: string) => void,
): EventLog {
  demandFolder()
  const settings = { to: logTo, file: logFile, maxBytes: logLimits.fileBytes, maxFiles: logLimits.fileCount }
  const log = startLog(settings, startThread, clock, diagnostic, diagnostic)
  onExit(() => log.closeSync())
  return log
}

/** The log for the operator's commands; `flush` makes sure that what all threads have recorded is in it. */
export function operatorLog(log: EventLog, flush: () => Promise<void> = async () => {}): OperatorLog {
  return {
    async tail(count) {
      await flush()
      return (await log.tail(count)).map(renderLine)
    },
    async clear() {
      await flush()
      await log.clear()
    },
  }
}

function demandFolder(): void {
  try {
    resolve('.')
  } catch (error) {
    throw new StorageError(errorCode(error), 'the folder that it was started in is gone', {
      hint: 'go to a folder that exists, and start it again',
      cause: error,
    })
  }
}
