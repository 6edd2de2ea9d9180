import { systemClock } from '../../base/clock.ts'
import { attachEventLog } from '../../log/line-writer.ts'
import { loadProtocol } from '../../protocols/index.ts'
import { runListenerThread } from '../../serve/listener-thread.ts'
import { runThread, startThread } from '../threads.ts'

runThread((port, { config, log: endpoint, common }) => {
  const log = attachEventLog(endpoint, systemClock)
  process.on('exit', () => log.flush())
  runListenerThread(port, config, loadProtocol(config.protocol), { log, clock: systemClock, startThread, common })
})
