// The echo server beside its peers: `npm run bench`. Needs a C compiler; ncat and socat are compared where installed.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { interleaved, median, table } from './measure.ts'
import { BenchServer, compile, installed } from './servers.ts'

interface Load {
  readonly perSecond: number
  readonly bytesPerSecond: number
  readonly p50: number
  readonly p99: number
  readonly failures: number
}

const runs = Number(process.env.BENCH_RUNS ?? 5)
const seconds = process.env.BENCH_SECONDS ?? '1.5'
const load = compile('load')
const cEcho = compile('echo')

async function drive(port: number, words: string): Promise<Load> {
  const [mode = '', connections = '', bytes = '', depth = ''] = words.split(' ')
  const args = [mode, String(port), connections, bytes, depth, seconds]
  // Lost connections make it exit with 2; its figures come all the same.
  const { stdout } = await promisify(execFile)(load, args).catch((error: { stdout: string }) => error)
  return JSON.parse(stdout)
}

const servers = new Map<string, BenchServer>([
  ['C epoll', await BenchServer.start(cEcho, ['7311'], 7311, /ready/)],
  ['netlab', await BenchServer.netlab()],
  ['netlab, no log', await BenchServer.netlab('--log-to', 'none')],
])
if (installed('ncat')) {
  servers.set(
    'ncat',
    await BenchServer.start('ncat', ['-l', '-k', '-m', '1000', '-e', '/bin/cat', '127.0.0.1', '7312'], 7312),
  )
}
if (installed('socat')) {
  const address = 'TCP-LISTEN:7313,bind=127.0.0.1,reuseaddr,fork,backlog=511'
  servers.set('socat', await BenchServer.start('socat', [address, 'EXEC:cat'], 7313))
}

async function compare(
  title: string,
  words: string,
  names: readonly string[],
  figure: (result: Load) => number,
  unit: string,
) {
  const present = names.filter((name) => servers.has(name))
  const results = await interleaved(present, runs, (name) => drive(servers.get(name)?.port ?? 0, words))
  const medians = new Map(present.map((name) => [name, median((results.get(name) ?? []).map(figure))]))
  const ours = medians.get('netlab') ?? Number.NaN
  console.log(`\n${title} (${words}; median of ${runs})`)
  console.log(
    table([
      ['', unit, 'netlab is', 'p50 ms', 'p99 ms', 'failures'],
      ...present.map((name) => {
        const all = results.get(name) ?? []
        const value = medians.get(name) ?? Number.NaN
        return [
          name,
          value.toFixed(0),
          `${(ours / value).toFixed(2)} x`,
          (median(all.map(({ p50 }) => p50)) / 1000).toFixed(2),
          (median(all.map(({ p99 }) => p99)) / 1000).toFixed(2),
          String(Math.max(...all.map(({ failures }) => failures))),
        ]
      }),
    ]),
  )
  return medians
}

const everyone = [...servers.keys()]
const perSecond = ({ perSecond: value }: Load) => value
const megabytes = ({ bytesPerSecond }: Load) => bytesPerSecond / 1e6

try {
  await compare('1 KiB ping-pong, 100 connections', 'pingpong 100 1024 1', everyone, perSecond, 'messages/s')
  await compare('64 KiB stream, 4 connections', 'stream 4 65536 1', everyone, megabytes, 'MB/s')
  await compare('connect, echo, close; 50 at a time', 'churn 50 64 1', everyone, perSecond, 'connections/s')

  const framed = await compare('framed 64 B, 16 in flight', 'frames 16 68 16', ['netlab'], perSecond, 'messages/s')
  const plain = await compare('the same unframed', 'pingpong 16 68 16', ['netlab'], perSecond, 'messages/s')
  console.log(`framed / unframed: ${((framed.get('netlab') ?? 0) / (plain.get('netlab') ?? 1)).toFixed(2)}`)

  await memory()
} finally {
  for (const server of servers.values()) await server.stop()
}

/** Memory of a server that has nothing to do: all its threads are up, which it does not wait for before it listens. */
async function settledMiB(server: BenchServer): Promise<number> {
  const first = connect(server.port, '127.0.0.1')
  first.write('x')
  await once(first, 'data')
  first.destroy()
  await sleep(1_000)
  return server.memoryMiB()
}

/** What idle clients and clients that never read cost. */
async function memory(): Promise<void> {
  console.log('\nmemory above an idle server (MiB)')
  const server = await BenchServer.netlab()
  const idle = await settledMiB(server)
  const clients: Socket[] = []
  const wanted = 10_000
  try {
    while (clients.length < wanted) {
      const batch = Array.from({ length: 100 }, () => connect(server.port, '127.0.0.1'))
      await Promise.all(batch.map((socket) => once(socket, 'connect')))
      clients.push(...batch)
    }
    // The server has taken the last one when it answers it.
    const last = clients.at(-1)
    last?.write('x')
    if (last !== undefined) await once(last, 'data')
    console.log(`${wanted} idle clients: ${(server.memoryMiB() - idle).toFixed(0)}`)
  } finally {
    for (const socket of clients) socket.destroy()
    await server.stop()
  }

  const flooded = await BenchServer.netlab()
  const before = await settledMiB(flooded)
  const flood = Buffer.alloc(65_536, 'a')
  const floods = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const socket = connect(flooded.port, '127.0.0.1')
      await once(socket, 'connect')
      socket.pause()
      return socket
    }),
  )
  const samples: string[] = []
  for (let second = 1; second <= 4; second++) {
    const end = performance.now() + 1000
    while (performance.now() < end) {
      for (const socket of floods) if (!socket.writableNeedDrain) socket.write(flood)
      await new Promise(setImmediate)
    }
    samples.push((flooded.memoryMiB() - before).toFixed(0))
  }
  for (const socket of floods) socket.destroy()
  console.log(`four clients that send and never read, after 1, 2, 3, 4 s: ${samples.join(', ')}`)
  await flooded.stop()
}
