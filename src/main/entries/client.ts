import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { attachEventLog } from '../../log/line-writer.ts'
import { loadProtocol } from '../../protocols/index.ts'
import { runClientThread } from '../../serve/client-thread.ts'

const log = attachEventLog(workerData.log, systemClock)
process.on('exit', () => log.flush())
if (parentPort !== null) {
  void runClientThread(parentPort, workerData, loadProtocol(workerData.config.protocol), log, systemClock)
}
