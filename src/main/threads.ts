import { getAsset, isSea } from 'node:sea'
import { MessageChannel, type MessagePort, Worker, type WorkerOptions } from 'node:worker_threads'
import type { StartThread, ThreadEntry } from '../base/threads.ts'
import { LentThread } from './lent-thread.ts'

/**
 * Three semispaces of 8 MiB. Left alone, V8 takes a hundred megabytes more while connections come and go, and serves no
 * faster for it.
 */
const youngGenerationMiB = 24

/** What a prepared thread is told: what to do, with threads that it may use, or who will use it. */
export type Instructions =
  | { readonly data: unknown; readonly lent: readonly Lent[] }
  | { readonly borrower: MessagePort }

type Lent = readonly [name: string, port: MessagePort]

/** Threads that run already and wait to be told what to do, by name. */
const prepared = new Map<string, Worker>()
/** Those among them that the next prepared thread will use. */
const lent = new Set<string>()
/** Threads of the main thread that this one may use. */
const borrowed = new Map<string, MessagePort>()

/**
 * Starts a thread that will be wanted, before it is known what it gets: a thread needs as long as a whole Node, on a processor
 * that is idle at this moment. With `lend` the prepared thread that is told first may use it; it ends with that one.
 */
export function prepareThread(entry: ThreadEntry, name: string, lend = false): void {
  const worker = launch(entry, { name, workerData: null })
  prepared.set(name, worker)
  if (lend) lent.add(name)
  // One that fails here is simply started when it is wanted, and then its failure is heard.
  worker.once('error', () => prepared.delete(name))
  worker.once('exit', () => prepared.delete(name))
}

/** Makes threads that the main thread has started usable by `startThread` in this one. */
export function borrowThreads(threads: readonly Lent[]): void {
  for (const [name, port] of threads) borrowed.set(name, port)
}

/** Starts one of the programs in `entries/`. Where their files are is known here and nowhere else. */
export const startThread: StartThread = (entry, { name, data, transfer = [] }) => {
  const port = borrowed.get(name)
  if (port !== undefined) {
    borrowed.delete(name)
    port.postMessage(data, [...transfer])
    return new LentThread(port)
  }
  const worker = prepared.get(name)
  if (worker === undefined) return launch(entry, { name, workerData: data, transferList: [...transfer] })
  prepared.delete(name)
  const lending = lend()
  worker.postMessage({ data, lent: lending } satisfies Instructions, [...transfer, ...lending.map(([, port]) => port)])
  return worker
}

/** Connects the threads that are to be lent with ports, and returns the other ends. */
function lend(): Lent[] {
  return [...lent].flatMap((name) => {
    const worker = prepared.get(name)
    lent.delete(name)
    prepared.delete(name)
    if (worker === undefined) return []
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ borrower: port1 } satisfies Instructions, [port1])
    return [[name, port2]]
  })
}

function launch(entry: ThreadEntry, given: WorkerOptions): Worker {
  const options: WorkerOptions = {
    ...given,
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB },
    // Workers report through the log; what they print by mistake still reaches the terminal.
    stdin: false,
  }
  // The standalone binary has no files but carries the programs.
  if (isSea()) return new Worker(getAsset('thread.js', 'utf8'), { ...options, eval: true, argv: [entry] })
  return new Worker(new URL(`./entries/${entry}.ts`, import.meta.url), options)
}
