import { availableParallelism } from 'node:os'
import { median } from '../measure.ts'
import { type Answer, FrameClient } from './frame-client.ts'
import { hashMs } from './room.ts'
import { quantile, type Row } from './row.ts'
import { BenchServer } from './server.ts'

const password = 'correct horse battery'
const width = Math.max(1, availableParallelism() - 1)

/** Resumes on connections that are kept open, several on their way at a time; per second of the server's processor time. */
export async function resumeRows(): Promise<readonly Row[]> {
  const server = await BenchServer.start('auth')
  const clients = await Promise.all(Array.from({ length: 20 }, () => FrameClient.connect(server.port)))
  const first = clients[0]
  if (first === undefined) throw new Error('no client')
  const { token } = await first.ask({ type: 'register', name: 'Ada', password })
  const resume = { type: 'resume', token }
  const rates: number[] = []
  const perCore: number[] = []
  for (let round = 0; round < 5; round++) {
    const cpu = server.cpuSeconds()
    const began = performance.now()
    const each = 500
    await Promise.all(
      clients.map(async (client) => {
        for (let done = 0; done < each; done += 10) {
          client.send(...Array.from({ length: 10 }, () => resume))
          for (let n = 0; n < 10; n++) expectType(await client.next(), 'welcome')
        }
      }),
    )
    const count = clients.length * each
    rates.push((count / (performance.now() - began)) * 1000)
    perCore.push(count / (server.cpuSeconds() - cpu))
  }
  for (const client of clients) client.destroy()
  await server.stop()
  return [
    { what: 'resumes, client on the same machine', value: median(rates), unit: '/s', wanted: '–', good: true },
    {
      what: 'resumes per core of the server',
      value: median(perCore),
      unit: '/s',
      wanted: '≥ 5,000/s',
      good: median(perCore) >= 5000,
    },
  ]
}

/** Logins of many users at once against what the hash alone allows, measured before and after. */
export async function loginRows(): Promise<readonly Row[]> {
  const server = await BenchServer.start('auth')
  const clients = await Promise.all(Array.from({ length: 12 }, () => FrameClient.connect(server.port)))
  await Promise.all(
    clients.map(async (client, n) =>
      expectType(await client.ask({ type: 'register', name: `User ${n}`, password }), 'welcome'),
    ),
  )
  const ratios: number[] = []
  for (let round = 0; round < 5; round++) {
    const before = await hashMs()
    const began = performance.now()
    await Promise.all(
      clients.map(async (client, n) => {
        for (let login = 0; login < 2; login++) {
          expectType(await client.ask({ type: 'logout' }), 'logged-out')
          expectType(await client.ask({ type: 'login', name: `User ${n}`, password }), 'welcome')
        }
      }),
    )
    const rate = (clients.length * 2) / (performance.now() - began)
    ratios.push(rate / (width / ((before + (await hashMs())) / 2)))
  }
  for (const client of clients) client.destroy()
  await server.stop()
  return [
    {
      what: `password logins ÷ (${width} ÷ one hash's time)`,
      value: median(ratios),
      unit: '×',
      wanted: '≥ 0.9',
      good: median(ratios) >= 0.9,
    },
  ]
}

/** A storm of 1,000 logins at once: what it costs 100 clients of an echo server beside it, and in memory. */
export async function stormRows(): Promise<readonly Row[]> {
  const [server, echo] = [await BenchServer.start('auth'), await BenchServer.start('echo')]
  const first = await FrameClient.connect(server.port)
  expectType(await first.ask({ type: 'register', name: 'Ada', password }), 'welcome')
  const others = await Promise.all(Array.from({ length: 100 }, () => FrameClient.connect(echo.port)))
  const idle = server.memory().nowMib
  const ratios: number[] = []
  for (let round = 0; round < 3; round++) {
    const calm = quantile(await pingPong(others, 3000), 0.99)
    const clients: FrameClient[] = []
    while (clients.length < 1000) clients.push(await FrameClient.connect(server.port))
    const storm = Promise.all(clients.map((client) => client.ask({ type: 'login', name: 'Ada', password })))
    const windy = quantile(await pingPong(others, 3000), 0.99)
    for (const answer of await storm)
      if (answer.type !== 'welcome' && answer.reason !== 'busy') throw new Error(answer.type)
    for (const client of clients) client.destroy()
    ratios.push(windy / calm)
  }
  const { peakMib } = server.memory()
  for (const client of [first, ...others]) client.destroy()
  await Promise.all([server.stop(), echo.stop()])
  return [
    {
      what: 'echo p99 of 100 others in a storm of 1,000 logins ÷ without it',
      value: median(ratios),
      unit: '×',
      wanted: '≤ 3',
      good: median(ratios) <= 3,
    },
    {
      what: 'memory in that storm above idle',
      value: peakMib - idle,
      unit: 'MiB',
      wanted: '≤ 120 MiB',
      good: peakMib - idle <= 120,
    },
  ]
}

/** Round trips of small frames for so long, ten a second from each client; their times in milliseconds. */
async function pingPong(clients: readonly FrameClient[], forMs: number): Promise<readonly number[]> {
  const times: number[] = []
  const end = performance.now() + forMs
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < end) {
        const began = performance.now()
        await client.ask({ type: 'ping' })
        times.push(performance.now() - began)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }),
  )
  return times
}

function expectType(answer: Answer, type: string): void {
  if (answer.type !== type) throw new Error(`${type} was expected, and ${answer.type} ${answer.reason ?? ''} came`)
}
