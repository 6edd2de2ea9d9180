import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { runWorker } from '../../scan/workers/worker.ts'

// Nobody reads these threads' stack traces, and each refused connect of net.Socket would collect one.
Error.stackTraceLimit = 0
if (parentPort !== null) void runWorker(workerData, systemClock, parentPort)
