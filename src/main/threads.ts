import { getAsset, isSea } from 'node:sea'
import { type MessagePort, parentPort, Worker, type WorkerOptions, workerData } from 'node:worker_threads'
import { ExitCode, errorCode, NetlabError } from '../base/errors.ts'
import type { StartThread, ThreadEntry } from '../base/threads.ts'
import { mainLimits } from './limits.ts'

/** Threads that run already and wait to be told what to do, by name. */
const prewarmed = new Map<string, Worker>()

/**
 * Starts a thread that will be wanted, before it is known what it gets: a thread needs as long as a whole Node, on a processor
 * that is idle at this moment. Undefined where the system gives none: it is started when it is wanted, and then its failure is
 * heard.
 */
export function prewarmThread(entry: ThreadEntry, name: string): Worker | undefined {
  let worker: Worker
  try {
    worker = launch(entry, { name, workerData: null })
  } catch {
    return undefined
  }
  prewarmed.set(name, worker)
  worker.once('error', () => prewarmed.delete(name))
  worker.once('exit', () => prewarmed.delete(name))
  return worker
}

/** Starts one of the programs in `entries/`. Where their files are is known here and nowhere else. */
export const startThread: StartThread = (entry, { name, data, transfer = [] }) => {
  const worker = prewarmed.get(name)
  if (worker === undefined) return launch(entry, { name, workerData: data, transferList: [...transfer] })
  prewarmed.delete(name)
  worker.postMessage(data, transfer)
  return worker
}

function launch(entry: ThreadEntry, given: WorkerOptions): Worker {
  const options: WorkerOptions = {
    ...given,
    resourceLimits: { maxYoungGenerationSizeMb: mainLimits.youngGenerationMiB },
    // Workers report through the log; what they print by mistake still reaches the terminal.
    stdin: false,
  }
  try {
    // The standalone binary has no files but carries the programs.
    if (isSea()) return new Worker(getAsset('thread.js', 'utf8'), { ...options, eval: true, argv: [entry] })
    return new Worker(new URL(`./entries/${entry}.ts`, import.meta.url), options)
  } catch (error) {
    if (errorCode(error) !== 'ERR_WORKER_INIT_FAILED') throw error
    throw new NetlabError('EAGAIN', ExitCode.unavailable, 'the system gives this process no more threads', {
      hint: 'raise the limit (ulimit -u, or TasksMax of systemd), or end other processes of this user',
      cause: error,
    })
  }
}

/**
 * Runs a thread's program with what `startThread` gave it, whether the thread was started for that or prewarmed. The
 * program must listen to its port before it returns: what was sent next may follow at once.
 */
// biome-ignore lint/suspicious/noExplicitAny: what comes from another thread has the type that `startThread` was given there.
export function runThread(program: (port: MessagePort, data: any) => void): void {
  const port = parentPort
  if (port === null) return
  if (workerData === null) port.once('message', (data) => program(port, data))
  else program(port, workerData)
}
