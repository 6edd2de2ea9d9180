// What the event log costs the thread that records: `node bench/log.ts`. Prints a table; takes about twenty seconds.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import type { NetlabEvent } from '../src/base/events.ts'
import { type EventLog, startLog } from '../src/log/event-log.ts'
import { logLimits } from '../src/log/limits.ts'
import { startThread } from '../src/main/threads.ts'
import { median } from './measure.ts'

const rounds = 5
const clients = 100
const paceEvents = 200_000
const paceMs = 500
const peer = { address: '192.0.2.7', port: 40_000 }

const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-'))
const log = startLog(
  {
    to: 'file',
    file: join(folder, 'netlab.log'),
    maxBytes: logLimits.fileBytes,
    maxFiles: 1_000,
    origin: { service: 'echo', pid: 77 },
  },
  startThread,
  systemClock,
  () => {},
  (sentence) => console.error(sentence),
)
let recorded = 0

/** Makes the `index`th event of a workload. */
type Workload = (index: number) => NetlabEvent

const side = (index: number) => (index & 1 ? 'sent' : 'received')
const workloads: Record<string, Workload> = {
  'received/sent, always 1 KiB': (index) => ({ type: side(index), id: 1 + ((index >> 1) % clients), bytes: 1024 }),
  'received/sent, any size': (index) => ({
    type: side(index),
    id: 1 + (index % clients),
    bytes: (index * 7919) & 0xffff,
  }),
  connected: (index) => ({ type: 'connected', id: index, peer, thread: 1 }),
}

const threadMicros = () => {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** CPU nanoseconds of this thread for each event, as fast as it goes. */
function flatOut(sink: EventLog['record'], workload: Workload, count: number): number {
  const before = threadMicros()
  for (let index = 0; index < count; index++) sink(workload(index))
  return ((threadMicros() - before) * 1_000) / count
}

/** Share of a core that this thread spends, recording `paceEvents` a second for `paceMs`, in slices of a millisecond. */
async function paced(sink: EventLog['record'], workload: Workload): Promise<number> {
  const beforeMicros = threadMicros()
  const startMs = performance.now()
  let index = 0
  for (let passedMs = 0; passedMs < paceMs; passedMs = performance.now() - startMs) {
    while (index < (passedMs / 1_000) * paceEvents) sink(workload(index++))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return (threadMicros() - beforeMicros) / 1_000 / (performance.now() - startMs)
}

const counted = (event: NetlabEvent) => {
  recorded++
  log.record(event)
}
const nowhere = () => {}

const table: Record<string, Record<string, string>> = {}
for (const [name, workload] of Object.entries(workloads)) {
  const costs: number[] = []
  const shares: number[] = []
  const count = name === 'connected' ? 50_000 : 500_000
  flatOut(counted, workload, count)
  for (let round = 0; round < rounds; round++) {
    costs.push(flatOut(counted, workload, count) - flatOut(nowhere, workload, count))
    log.drain(10_000)
    if (name !== 'connected') shares.push((await paced(counted, workload)) - (await paced(nowhere, workload)))
  }
  table[name] = {
    'ns an event': median(costs).toFixed(0),
    [`share of a core at ${paceEvents}/s`]: shares.length === 0 ? '' : `${(median(shares) * 100).toFixed(1)} %`,
  }
}
const closed = log.closeSync(30_000)
const written = readdirSync(folder)
  .map((name) => readFileSync(join(folder, name)))
  .reduce((sum, bytes) => sum + bytes.filter((byte) => byte === 0x0a).length, 0)
rmSync(folder, { recursive: true })
console.table(table)
console.log(`${recorded} events recorded, ${recorded - written} lines lost, closed in time: ${closed}`)
