import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

/**
 * Runs a thread's program with what `startThread` gave it, whether the thread was started for that or prepared before. The
 * program must listen to its port before it returns: what was sent next may follow at once.
 */
// biome-ignore lint/suspicious/noExplicitAny: what comes from another thread has the type that `startThread` was given there.
export function whenTold(program: (port: MessagePort, data: any) => void): void {
  const port = parentPort
  if (port === null) return
  if (workerData === null) port.once('message', (data) => program(port, data))
  else program(port, workerData)
}
