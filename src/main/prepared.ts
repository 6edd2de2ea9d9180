import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../base/errors.ts'
import type { LastWords } from './lent-thread.ts'
import { borrowThreads, type Instructions } from './threads.ts'

/**
 * Runs a thread's program with what `startThread` gave it, whether the thread was started for that or prepared before. The
 * program must listen to its port before it returns: what was sent next may follow at once.
 */
// biome-ignore lint/suspicious/noExplicitAny: what comes from another thread has the type that `startThread` was given there.
export function whenTold(program: (port: MessagePort, data: any) => void): void {
  const port = parentPort
  if (port === null) return
  if (workerData !== null) {
    program(port, workerData)
    return
  }
  port.once('message', (instructions: Instructions) => {
    if ('data' in instructions) {
      borrowThreads(instructions.lent)
      program(port, instructions.data)
    } else {
      serveBorrower(instructions.borrower)
      instructions.borrower.once('message', (data) => program(instructions.borrower, data))
    }
  })
}

/** Nobody here hears of our end but by this port. */
function serveBorrower(port: MessagePort): void {
  port.on('close', () => process.exit())
  process.on('uncaughtException', (error) => {
    port.postMessage({ thrown: error.stack ?? errorMessage(error) } satisfies LastWords)
    process.exit(1)
  })
}
