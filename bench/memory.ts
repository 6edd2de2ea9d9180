// What strangers can make a server hold, and how the others are served meanwhile: `node bench/memory.ts`. BENCH_NETLAB names
// another program to measure, BENCH_CLIENTS how many attack.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FrameClient } from './auth/frame-client.ts'
import { table } from './measure.ts'
import type { AttackName } from './memory/crowd.ts'
import { BenchServer } from './servers.ts'

const count = Number(process.env.BENCH_CLIENTS ?? 3_000)
const { positionals } = parseArgs({ allowPositionals: true })

interface Scenario {
  readonly service: 'auth' | 'echo' | 'ident'
  readonly options?: readonly string[]
  readonly attack: AttackName
}

const scenarios: readonly Scenario[] = [
  { service: 'auth', attack: 'unfinished frames' },
  { service: 'auth', attack: 'half lines' },
  { service: 'auth', attack: 'small half frames' },
  { service: 'auth', attack: 'pipelined logins' },
  { service: 'ident', attack: 'unfinished frames' },
  { service: 'echo', attack: 'answers not read' },
  { service: 'echo', attack: 'one long message' },
  { service: 'auth', options: ['--tls'], attack: 'TLS handshakes' },
]

interface Latency {
  readonly p50: number
  readonly p99: number
}

function latency(samples: readonly number[]): Latency {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}

/** What one ordinary client of the service gets in `ms`: a login each time, or one line back. */
async function serveOthers(port: number, service: Scenario['service'], ms: number): Promise<Latency> {
  const samples: number[] = []
  const end = performance.now() + ms
  while (performance.now() < end) {
    const began = performance.now()
    if (service === 'echo') await echoOnce(port)
    else await askOnce(port, service)
    samples.push(performance.now() - began)
    await sleep(10)
  }
  return latency(samples)
}

async function echoOnce(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  socket.write('hello\n')
  await Promise.race([once(socket, 'data'), once(socket, 'close')])
  socket.destroy()
}

async function askOnce(port: number, service: 'auth' | 'ident'): Promise<void> {
  const client = await FrameClient.connect(port)
  const { type } =
    service === 'ident'
      ? await client.ask({ type: 'whoami' })
      : await client.ask({ type: 'login', name: 'ada', password: 'correct horse' })
  // `denied`: too many wrong passwords come from this address at the moment, or wait to be looked at.
  if (!['welcome', 'ask', 'greeting', 'denied'].includes(type)) throw new Error(`an ordinary client was told "${type}"`)
  client.destroy()
}

/** The attackers, in a process of their own: what they cost must not delay those who are measured. Resolves when all are connected and at work. */
async function crowd(port: number, scenario: Scenario): Promise<Crowd> {
  const child = fork(fileURLToPath(new URL('./memory/crowd.ts', import.meta.url)), [
    scenario.attack,
    String(port),
    String(count),
  ])
  await once(child, 'message')
  return {
    async count() {
      child.send('count')
      return Number((await once(child, 'message'))[0])
    },
    async leave() {
      child.send('leave')
      await once(child, 'exit')
    },
  }
}

interface Crowd {
  count(): Promise<number>
  leave(): Promise<void>
}

async function run(scenario: Scenario): Promise<readonly string[]> {
  const { service, options = [], attack } = scenario
  const server = await BenchServer.serve(service, ...options)
  try {
    if (service === 'auth') {
      const first = await FrameClient.connect(server.port)
      await first.ask({ type: 'register', name: 'ada', password: 'correct horse' })
      first.destroy()
    }
    const before = await serveOthers(server.port, service, 4_000)
    await sleep(1_000)
    const idle = server.memoryMiB()
    let peak = idle
    const watch = setInterval(() => {
      peak = Math.max(peak, server.memoryMiB())
    }, 50)
    const [attackers, during] = await Promise.all([
      crowd(server.port, scenario),
      serveOthers(server.port, service, 15_000),
    ])
    clearInterval(watch)
    const there = await attackers.count()
    await attackers.leave()
    await sleep(10_000)
    const after = server.memoryMiB()
    const ms = (value: number): string => value.toFixed(1)
    const row = [`${service}: ${attack}`, idle, peak - idle, after - idle].map((cell) =>
      typeof cell === 'number' ? cell.toFixed(0) : cell,
    )
    return [
      ...row,
      String(there),
      ms(before.p50),
      ms(before.p99),
      ms(during.p50),
      ms(during.p99),
      (during.p99 / before.p99).toFixed(1),
    ]
  } finally {
    await server.stop()
  }
}

const rows = [
  ['', 'idle MiB', 'peak +', '10 s after +', 'still there', 'p50 ms', 'p99 ms', 'p50 under', 'p99 under', 'p99 x'],
]
for (const scenario of scenarios) {
  const title = `${scenario.service}: ${scenario.attack}`
  if (positionals.length > 0 && !positionals.some((word) => title.includes(word))) continue
  rows.push([...(await run(scenario))])
  console.log(rows.at(-1)?.join('  '))
}
console.log(`\n${count} connections; memory above the idle server\n${table(rows)}`)
