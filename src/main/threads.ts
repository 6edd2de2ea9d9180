import { getAsset, isSea } from 'node:sea'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { ExitCode, errorCode, NetlabError } from '../base/errors.ts'
import type { StartThread, ThreadEntry } from '../base/threads.ts'

/**
 * Three semispaces of 8 MiB. Left alone, V8 takes a hundred megabytes more while connections come and go, and serves no
 * faster for it.
 */
const youngGenerationMiB = 24

/** Threads that run already and wait to be told what to do, by name. */
const prepared = new Map<string, Worker>()

/**
 * Starts a thread that will be wanted, before it is known what it gets: a thread needs as long as a whole Node, on a processor
 * that is idle at this moment. Undefined where the system gives none: it is started when it is wanted, and then its failure is
 * heard.
 */
export function prepareThread(entry: ThreadEntry, name: string): Worker | undefined {
  let worker: Worker
  try {
    worker = launch(entry, { name, workerData: null })
  } catch {
    return undefined
  }
  prepared.set(name, worker)
  worker.once('error', () => prepared.delete(name))
  worker.once('exit', () => prepared.delete(name))
  return worker
}

/** Starts one of the programs in `entries/`. Where their files are is known here and nowhere else. */
export const startThread: StartThread = (entry, { name, data, transfer = [] }) => {
  const worker = prepared.get(name)
  if (worker === undefined) return launch(entry, { name, workerData: data, transferList: [...transfer] })
  prepared.delete(name)
  worker.postMessage(data, transfer)
  return worker
}

function launch(entry: ThreadEntry, given: WorkerOptions): Worker {
  const options: WorkerOptions = {
    ...given,
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB },
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
