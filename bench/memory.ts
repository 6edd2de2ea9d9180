// What strangers can make a server hold, and how the others are served meanwhile: `node bench/memory.ts`. BENCH_NETLAB names
// another program to measure, BENCH_CLIENTS how many attack.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FrameClient } from './auth/frame-client.ts'
import { table } from './measure.ts'
import { BenchServer } from './servers.ts'

const count = Number(process.env.BENCH_CLIENTS ?? 3_000)
const { positionals } = parseArgs({ allowPositionals: true })

/** How attackers behave once they are connected. */
type Attack = (socket: Socket) => void

interface Scenario {
  readonly name: string
  readonly service: 'auth' | 'echo' | 'ident'
  readonly options?: readonly string[]
  readonly attack: Attack
}

const mebibyte = 1_048_576
const framed = (bytes: number, fill = 0): Buffer => {
  const frame = Buffer.alloc(4 + bytes, fill)
  frame.writeUInt32BE(bytes)
  return frame
}
const unfinished = framed(mebibyte - 1).subarray(0, -1)
const halfLine = Buffer.alloc(65_000, 'x')
const login = Buffer.from(JSON.stringify({ type: 'login', name: 'nobody', password: 'correct horse' }))
const pipelined = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.concat([header(login.length), login])))
const flood = Buffer.alloc(mebibyte, 'a')
// A TLS record of 16 KiB in which a ClientHello of 16 MiB begins: its end never comes.
const clientHello = Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff]), Buffer.alloc(16_380)])

function header(bytes: number): Buffer {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(bytes)
  return four
}

const scenarios: readonly Scenario[] = [
  { name: 'unfinished frames', service: 'auth', attack: (socket) => socket.write(unfinished) },
  { name: 'half lines', service: 'auth', attack: (socket) => socket.write(halfLine) },
  { name: 'small half frames', service: 'auth', attack: (socket) => socket.write(framed(8_192).subarray(0, -1)) },
  { name: 'pipelined logins', service: 'auth', attack: (socket) => socket.write(pipelined) },
  { name: 'unfinished frames', service: 'ident', attack: (socket) => socket.write(unfinished) },
  {
    name: 'answers not read',
    service: 'echo',
    attack: (socket) => socket.pause().write(Buffer.concat([flood, flood, flood, flood])),
  },
  { name: 'one long read', service: 'echo', attack: (socket) => socket.resume().write(flood) },
  { name: 'TLS handshakes', service: 'auth', options: ['--tls'], attack: (socket) => socket.write(clientHello) },
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
  if (!['welcome', 'ask', 'greeting'].includes(type)) throw new Error(`an ordinary client was told "${type}"`)
  client.destroy()
}

async function crowd(port: number, attack: Attack): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(100, count - sockets.length) }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      return socket
    })
    await Promise.all(batch.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
    for (const socket of batch) if (!socket.destroyed) attack(socket)
    sockets.push(...batch)
  }
  return sockets
}

async function run({ name, service, options = [], attack }: Scenario): Promise<readonly string[]> {
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
    const [sockets, during] = await Promise.all([crowd(server.port, attack), serveOthers(server.port, service, 15_000)])
    clearInterval(watch)
    const there = sockets.filter(({ destroyed }) => !destroyed).length
    for (const socket of sockets) socket.destroy()
    await sleep(10_000)
    const after = server.memoryMiB()
    const ms = (value: number): string => value.toFixed(1)
    const row = [`${service}: ${name}`, idle, peak - idle, after - idle].map((cell) =>
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
  const title = `${scenario.service}: ${scenario.name}`
  if (positionals.length > 0 && !positionals.some((word) => title.includes(word))) continue
  rows.push([...(await run(scenario))])
  console.log(rows.at(-1)?.join('  '))
}
console.log(`\n${count} connections; memory above the idle server\n${table(rows)}`)
