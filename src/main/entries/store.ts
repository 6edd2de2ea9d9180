import { threadName } from 'node:worker_threads'
import { runAccountsThread } from '../../accounts/accounts-thread.ts'
import { systemClock } from '../../base/clock.ts'
import { runHistory } from '../../chat/history-thread.ts'
import { whenTold } from '../prepared.ts'
import { processes } from '../processes.ts'

// Loaded while the thread waits to be told.
if (threadName === 'accounts') void import('../../accounts/open-accounts.ts')

whenTold((port, data) => {
  if (data.role === 'accounts') void runAccountsThread(port, data, { clock: systemClock, processes })
  if (data.role === 'history') runHistory(data, systemClock)
})
