import { systemClock } from '../../base/clock.ts'
import { attachEventLog } from '../../log/line-writer.ts'
import { loadProtocol } from '../../protocols/index.ts'
import { runListenerThread } from '../../serve/listener-thread.ts'
import { whenTold } from '../prepared.ts'
import { startThread } from '../threads.ts'

whenTold((port, { config, log: endpoint }) => {
  const log = attachEventLog(endpoint, systemClock)
  process.on('exit', () => log.flush())
  runListenerThread(port, config, loadProtocol(config.protocol), { log, clock: systemClock, startThread })
})
