import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { attachEventLog, sharedBounds } from '../../log/line-writer.ts'
import { loadProtocol } from '../../protocols/index.ts'
import { runClientThread } from '../../serve/client-thread.ts'
import { serveLimits } from '../../serve/limits.ts'

const { threadPerClient, threads } = workerData.config
const bounds = sharedBounds(threadPerClient ? serveLimits.clientThreads : threads)
const log = attachEventLog(workerData.log, systemClock, bounds)
process.on('exit', () => log.flush())
if (parentPort !== null) {
  void runClientThread(parentPort, workerData, loadProtocol(workerData.config.protocol), log, systemClock)
}
