import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Contender, programs, start } from './chat/contenders.ts'
import { interleaved, median, table } from './measure.ts'
import { compile, installed } from './servers.ts'

// Usage: node bench/chat.ts [RUNS] [100|1000|rate|5000]… One room, everybody in it, 100 bytes a message: netlab (history
// on, one serving thread) beside Redis pub/sub and ngircd. Medians of interleaved runs; a peer that is not installed is left out.

interface Figures {
  readonly deliveriesPerS: number
  readonly p50us: number
  readonly p99us: number
  readonly joinS: number
  /** From and until, milliseconds since the epoch. */
  readonly joiningMs: readonly [number, number]
  readonly talkingMs: readonly [number, number]
}

interface Workload {
  readonly name: string
  readonly members: number
  /** `window`: at most so many messages under way, enough that each of netlab's threads always has some to work on. */
  readonly load: readonly [kind: 'window' | 'rate', count: number]
  /** The longest pauses of netlab's event loops are of interest, and no peer is. */
  readonly stalls?: boolean
}

const secondsMeasured = 4
const workloads: Readonly<Record<string, Workload>> = {
  '100': { name: '100 members, saturated', members: 100, load: ['window', 1_024] },
  '1000': { name: '1,000 members, saturated', members: 1_000, load: ['window', 1_024] },
  rate: { name: '100 members, 50,000 deliveries/s', members: 100, load: ['rate', 500] },
  '5000': { name: '5,000 members, 10 messages/s', members: 5_000, load: ['rate', 10], stalls: true },
}

const [first, ...rest] = process.argv.slice(2)
const runs = Number(first ?? 5)
const wanted = rest.length > 0 ? rest : Object.keys(workloads)

const fanout = compile('fanout')
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-stalls-'))
const stallsFile = join(folder, 'stalls')
const watcher = new URL('./chat/watch-loop.ts', import.meta.url).href

/** Undefined when the contender failed: that costs it this run, not everybody the bench. */
async function measure(contender: Contender, { members, load, stalls }: Workload): Promise<Figures | undefined> {
  const watched = { NETLAB_BENCH_STALLS: stallsFile, NODE_OPTIONS: `--import ${watcher}` }
  const { server, dialect, words } = await start(contender, members, stalls === true ? watched : {})
  try {
    const numbers = [server.port, members, secondsMeasured].map(String)
    const { stdout } = await run(fanout, [dialect, ...numbers, ...load.map(String), ...words])
    return JSON.parse(stdout)
  } catch (error) {
    if (contender === 'netlab') throw error
    const why = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    process.stderr.write(`${contender} failed with ${members} members: ${why}\n`)
    return undefined
  } finally {
    await server.stop()
  }
}

async function compare(workload: Workload): Promise<void> {
  const results = await interleaved<Figures | undefined, Contender>(contenders, runs, (one) => measure(one, workload))
  const figures = (name: Contender, key: 'deliveriesPerS' | 'p50us' | 'p99us' | 'joinS') =>
    median((results.get(name) ?? []).flatMap((one) => (one === undefined ? [] : [one[key]])))
  const own = figures('netlab', 'deliveriesPerS')
  const rows = contenders.map((name) =>
    (results.get(name) ?? []).every((one) => one === undefined)
      ? [name, 'failed', '', '', '', '']
      : [
          name,
          Math.round(figures(name, 'deliveriesPerS')).toLocaleString('en'),
          (own / figures(name, 'deliveriesPerS')).toFixed(2),
          (figures(name, 'p50us') / 1000).toFixed(2),
          (figures(name, 'p99us') / 1000).toFixed(2),
          figures(name, 'joinS').toFixed(2),
        ],
  )
  process.stdout.write(`${table([['', 'deliveries/s', 'netlab is ×', 'p50 ms', 'p99 ms', 'joins s'], ...rows])}\n`)
}

/** The longest pause of each thread's event loop, of all runs, while members join and while they talk. */
async function watch(workload: Workload): Promise<void> {
  const worst = new Map<string, { joiningMs: number; talkingMs: number }>()
  for (let i = 0; i < runs; i++) {
    writeFileSync(stallsFile, '')
    const figures = await measure('netlab', workload)
    if (figures === undefined) continue
    for (const line of readFileSync(stallsFile, 'utf8').split('\n').slice(0, -1)) {
      const [end = '', length = '', thread = ''] = line.split(' ')
      const known = worst.get(thread) ?? { joiningMs: 0, talkingMs: 0 }
      worst.set(thread, known)
      for (const when of ['joiningMs', 'talkingMs'] as const) {
        const [from, until] = figures[when]
        if (Number(end) >= from && Number(end) - Number(length) <= until)
          known[when] = Math.max(known[when], Number(length))
      }
    }
    const { deliveriesPerS, p50us, p99us, joinS } = figures
    process.stdout.write(
      `${Math.round(deliveriesPerS).toLocaleString('en')} deliveries/s, p50 ${p50us / 1000} ms, p99 ${p99us / 1000} ms, joins ${joinS} s\n`,
    )
  }
  const rows = [...worst].map(([name, { joiningMs, talkingMs }]) => [name, joiningMs.toFixed(0), talkingMs.toFixed(0)])
  process.stdout.write(`${table([['longest pause, ms', 'joining', 'talking'], ...rows])}\n`)
}

const contenders = (Object.keys(programs) as Contender[]).filter((name) => {
  const there = installed(programs[name])
  if (!there) process.stderr.write(`${programs[name]} is not installed: left out\n`)
  return there
})

try {
  for (const key of wanted) {
    const workload = workloads[key]
    if (workload === undefined)
      throw new Error(`there is no workload ${key}; one of ${Object.keys(workloads).join(' ')}`)
    process.stdout.write(`\n${workload.name}\n`)
    await (workload.stalls === true ? watch(workload) : compare(workload))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
