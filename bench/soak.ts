import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../src/base/random.ts'
import { table } from './measure.ts'
import { type Holdings, type Service, SoakedServer } from './soak/server.ts'
import { growth, leaks } from './soak/verdict.ts'
import { type Knowledge, type Pick, visit } from './soak/visit.ts'

// npm run soak [-- MINUTES [SEED]]: every server with clients that come and go in all ways there are, plainly and through
// TLS, in lines and in frames; some are kicked. Then nothing may be left of them. Exits with 1 otherwise, and says what.

const minutes = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31))
const services: readonly Service[] = ['echo', 'ident', 'auth', 'chat']
const visitors = 12
/** Memory of a server settles after some 1,500 clients (measured: flat from there to 6,600); so many come at first. */
const warmUpVisitors = 72
const pauseMs = 400
const kickMs = 700

if (process.platform !== 'linux') {
  console.error('soak: not run, what a process holds is read from /proc')
  process.exit(0)
}
console.log(`${minutes} minutes, seed ${seed}; the same once more: npm run soak -- ${minutes} ${seed}`)

// They would outlive us: the end of their operator's pipe does not stop them.
process.once('exit', () => {
  for (const server of servers) server.kill()
})

const servers = await Promise.all(services.map((service) => SoakedServer.start(service)))
const knowledge: Knowledge = { tokens: new Map(), failures: [] }
const wrong: string[] = []
const tally = new Map<string, number>()

// What is opened or started only once is there after this: caches, the pool of libuv, the database's files, the allocator's arenas.
await soak(Math.min(90_000, minutes * 15_000), warmUpVisitors)
const before = await Promise.all(servers.map((server) => looked(server)))
await soak(minutes * 60_000, visitors)
const after = await Promise.all(servers.map((server) => looked(server)))

const rows: string[][] = []
for (const [index, server] of servers.entries()) {
  const [was, is] = [before[index], after[index]]
  const memory = growth(server.memoryMiB)
  if (was !== undefined && is !== undefined) {
    wrong.push(...leaks(was, is).map((text) => `${server.service}: ${text}`))
    rows.push([
      server.service,
      ...[was, is].map(sum),
      ...[was, is].map(({ threads }) => String(threads)),
      ...[memory.was, memory.is].map((mib) => mib.toFixed(0)),
    ])
  }
  if (!memory.flat)
    wrong.push(`${server.service}: memory grew from ${memory.was.toFixed(0)} to ${memory.is.toFixed(0)} MiB`)
  wrong.push(...(await server.stop()).map((text) => `${server.service}: ${text}`))
}
wrong.push(...new Set(knowledge.failures))
console.log([...tally].map(([ending, count]) => `${ending} ${count}`).join(', '))
console.log(table([['', 'descriptors', 'after', 'threads', 'after', 'MiB', 'after'], ...rows]))
for (const text of wrong) console.error(`soak: ${text}`)
console.log(wrong.length === 0 ? 'nothing is left behind' : `${wrong.length} things are wrong; the seed was ${seed}`)
process.exitCode = wrong.length === 0 ? 0 : 1

/** Clients come and go for so long, and the operator disconnects one now and then. */
async function soak(ms: number, visitors: number): Promise<void> {
  const pick = picker(seed - 1)
  const deadline = performance.now() + ms
  const samples = Math.max(250, ms / 200)
  await Promise.all([
    ...Array.from({ length: visitors }, (_, index) => come(picker(seed + index), deadline)),
    repeat(deadline, samples, async () => {
      for (const server of servers) server.sample()
    }),
    repeat(deadline, kickMs, async () => {
      await servers[pick(servers.length)]?.kickOne(pick)
    }),
  ])
}

async function come(pick: Pick, deadline: number): Promise<void> {
  while (performance.now() < deadline) {
    const server = servers[pick(servers.length)]
    if (server === undefined) return
    const ending = await visit(server, pick, knowledge).catch((error: unknown) => `failed: ${String(error)}`)
    if (ending.startsWith('failed')) knowledge.failures.push(`${server.service}: ${ending}`)
    tally.set(ending, (tally.get(ending) ?? 0) + 1)
    await sleep(pick(pauseMs))
  }
}

async function repeat(deadline: number, everyMs: number, work: () => Promise<void>): Promise<void> {
  while (performance.now() < deadline) {
    await work()
    await sleep(everyMs)
  }
}

async function looked(server: SoakedServer): Promise<Holdings | undefined> {
  try {
    return await server.holdings()
  } catch (error) {
    wrong.push(`${server.service}: ${String(error)}`)
    return undefined
  }
}

function picker(from: number): Pick {
  const random = new Random(from)
  return (count) => random.below(count)
}

function sum({ descriptors }: Holdings): string {
  return String([...descriptors.values()].reduce((total, count) => total + count, 0))
}
