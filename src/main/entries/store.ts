import { parentPort, workerData } from 'node:worker_threads'
import { runAccountsThread } from '../../accounts/accounts-thread.ts'
import { systemClock } from '../../base/clock.ts'
import { runHistory } from '../../chat/history-thread.ts'

if (parentPort !== null && workerData.role === 'accounts') {
  runAccountsThread(parentPort, { clock: systemClock })
}
if (workerData.role === 'history') runHistory(workerData, systemClock)
