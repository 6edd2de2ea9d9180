import { workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { runLogThread } from '../../log/log-thread.ts'

runLogThread(workerData, systemClock)
