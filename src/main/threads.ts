import { getAsset, isSea } from 'node:sea'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import type { StartThread } from '../base/threads.ts'

/**
 * Three semispaces of 8 MiB. Left alone, V8 takes a hundred megabytes more while connections come and go, and serves no
 * faster for it.
 */
const youngGenerationMiB = 24

/** Starts one of the programs in `entries/`. Where their files are is known here and nowhere else. */
export const startThread: StartThread = (entry, { name, data, transfer }) => {
  const options: WorkerOptions = {
    name,
    workerData: data,
    transferList: [...(transfer ?? [])],
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB },
    // Workers report through the log; what they print by mistake still reaches the terminal.
    stdin: false,
  }
  // The standalone binary has no files but carries the programs.
  if (isSea()) return new Worker(getAsset('thread.js', 'utf8'), { ...options, eval: true, argv: [entry] })
  return new Worker(new URL(`./entries/${entry}.ts`, import.meta.url), options)
}
