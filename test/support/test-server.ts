import { systemClock } from '../../src/base/clock.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import type { StartThread } from '../../src/base/threads.ts'
import type { EventLog } from '../../src/log/event-log.ts'
import { startThread } from '../../src/main/threads.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { type Server, startServer } from '../../src/serve/server.ts'
import { testConfig } from './local-server.ts'

/** A log that keeps what this thread records and gives other threads none. */
export function memoryLog(events: NetlabEvent[]): EventLog {
  return {
    record: (event) => void events.push(event),
    flush: () => undefined,
    fork: () => null,
    drain: () => true,
    clear: async () => undefined,
    tail: async () => [],
    follow: async () => undefined,
    of: () => memoryLog(events),
    close: async () => undefined,
    closeSync: () => true,
  }
}

export interface ThreadedServer {
  readonly server: Server
  readonly port: number
  /** What the main thread recorded. */
  readonly events: readonly NetlabEvent[]
}

/** A whole server: listener thread, client threads, real sockets. The caller stops it. `preflightDone`: its files are known to be good. */
export async function startTestServer(
  config: Partial<ServeConfig> = {},
  {
    start = startThread,
    log,
    preflightDone = true,
    preflight = async () => preflightDone,
  }: {
    start?: StartThread
    log?: EventLog
    preflightDone?: boolean
    preflight?: () => Promise<boolean>
  } = {},
): Promise<ThreadedServer> {
  const events: NetlabEvent[] = []
  const server = await startServer(
    { ...testConfig, protocol: 'echo', ...config },
    {
      log: log ?? memoryLog(events),
      clock: systemClock,
      startThread: start,
      version: '0',
      pid: 0,
      preflight,
    },
  )
  return { server, port: server.endpoint.port, events }
}
