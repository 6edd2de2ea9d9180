import { limits } from '../base/limits.ts'
import { type EventLog, startLog } from '../log/event-log.ts'
import type { LogDestination } from '../log/messages.ts'
import type { CommandContext } from './command.ts'

export interface EventLogOptions {
  readonly logTo: LogDestination
  readonly logFile: string
}

/**
 * Opens the event log of a server as --log-to and --log-file ask; it is complete at every way out of the process. `talk`
 * shows its console lines and its troubles. @throws {StorageError}
 */
export function openEventLog(
  { logTo, logFile }: EventLogOptions,
  { clock, startThread, onExit }: CommandContext,
  talk: (line: string) => void,
): EventLog {
  const settings = { to: logTo, file: logFile, maxBytes: limits.logFileBytes, maxFiles: limits.logFileCount }
  const log = startLog(settings, startThread, clock, talk, talk)
  onExit(() => log.closeSync())
  return log
}
