import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { attachEventLog } from '../../log/line-writer.ts'
import { loadProtocol } from '../../protocols/index.ts'
import { runListenerThread } from '../../serve/listener-thread.ts'
import { startThread } from '../threads.ts'

const { config, log: endpoint } = workerData
const log = attachEventLog(endpoint, systemClock)
process.on('exit', () => log.flush())
if (parentPort !== null) {
  runListenerThread(parentPort, config, loadProtocol(config.protocol), { log, clock: systemClock, startThread })
}
