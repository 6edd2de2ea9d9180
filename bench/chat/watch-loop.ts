import { appendFileSync } from 'node:fs'
import { threadName } from 'node:worker_threads'

// Loaded into every thread of a server with NODE_OPTIONS=--import: notes each time that the thread's event loop did not turn
// for a while, as a line `END LENGTH THREAD` (milliseconds since the epoch; milliseconds) in the file that the environment names.

const tickMs = 2
const notedMs = 5
const file = process.env.NETLAB_BENCH_STALLS
if (file !== undefined) {
  const thread = threadName === null || threadName === '' ? 'main' : threadName
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    const stallMs = now - last - tickMs
    if (stallMs >= notedMs) appendFileSync(file, `${Date.now()} ${stallMs.toFixed(1)} ${thread}\n`)
    last = performance.now()
  }, tickMs).unref()
}
