import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { argon2Hasher } from '../src/accounts/argon2-hasher.ts'
import { Sessions } from '../src/accounts/sessions.ts'
import { SqliteSessionStore } from '../src/accounts/sqlite-session-store.ts'
import { newToken } from '../src/accounts/token.ts'
import { UserBook } from '../src/accounts/user-book.ts'
import { formatUsers } from '../src/accounts/users-file.ts'
import { systemClock } from '../src/base/clock.ts'
import { processes } from '../src/main/processes.ts'
import { interleaved, median, table } from './measure.ts'
import { BenchServer, compile, installed } from './servers.ts'

// Usage: node bench/chat.ts [RUNS]. One room, everybody in it, 100 bytes a message: netlab (history on, one serving
// thread) beside Redis pub/sub and ngircd. Medians of interleaved runs; a peer that is not installed is left out.

const runs = Number(process.argv[2] ?? 5)
const netlab = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'netlab')

interface Figures {
  readonly deliveriesPerS: number
  readonly p50us: number
  readonly p99us: number
  readonly joinS: number
}

interface Workload {
  readonly name: string
  readonly members: number
  readonly seconds: number
  readonly load: readonly [kind: 'window' | 'rate', count: number]
}

const workloads: readonly Workload[] = [
  { name: '100 members, saturated', members: 100, seconds: 4, load: ['window', 512] },
  { name: '1,000 members, saturated', members: 1_000, seconds: 4, load: ['window', 512] },
  { name: '100 members, 50,000 deliveries/s', members: 100, seconds: 4, load: ['rate', 500] },
]

const fanout = compile('fanout')
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-chat-'))

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Accounts and sessions for so many people, as if they had logged in before; returns the file of their tokens. */
async function prepareSessions(db: string, users: string, members: number): Promise<string> {
  const day = 86_400_000
  const hash = await argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 }).hash(newToken())
  const book = new UserBook()
  for (let n = 0; n < members; n++) book.setUser({ name: `m${n}`, hash, since: '2026-01-01T00:00:00.000Z' })
  writeFileSync(users, [...formatUsers(book)].join(''), { mode: 0o600 })
  const sessions = new Sessions(new SqliteSessionStore(db, processes), systemClock, { idleMs: day, maxMs: day })
  const made = await Promise.all(Array.from({ length: members }, (_, n) => sessions.create(`m${n}`, '127.0.0.1')))
  await sessions.close()
  const file = `${db}.tokens`
  writeFileSync(file, made.map(({ token }) => `${token}\n`).join(''))
  return file
}

let databases = 0

async function measure(contender: string, { members, seconds, load }: Workload): Promise<Figures> {
  const words = [String(members), String(seconds), ...load.map(String)]
  let server: BenchServer
  if (contender === 'netlab') {
    const db = join(folder, `${++databases}.db`)
    const users = `${db}.users.json`
    words.push(await prepareSessions(db, users, members))
    const args = ['--host', '127.0.0.1', '--port', '0', '--no-console', '--log-to', 'none', '--flood-rate', '0']
    const files = ['--db', db, '--users', users]
    server = await BenchServer.start(
      netlab,
      ['serve', 'chat', '--threads', '1', ...args, ...files],
      0,
      /listening on [^\n]*:(\d+)/,
    )
  } else if (contender === 'redis') {
    const port = await freePort()
    const limits = ['--client-output-buffer-limit', 'pubsub 0 0 0']
    server = await BenchServer.start(
      'redis-server',
      ['--port', String(port), '--save', '', ...limits],
      port,
      /Ready to accept/,
    )
  } else {
    const port = await freePort()
    const config = join(folder, 'ngircd.conf')
    const options = 'PAM=no\nDNS=no\nIdent=no\n'
    const limits = 'MaxConnections=0\nMaxConnectionsIP=0\nMaxJoins=0\nMaxPenaltyTime=0\nPingTimeout=600\n'
    writeFileSync(
      config,
      `[Global]\nName=bench.local\nInfo=bench\nListen=127.0.0.1\nPorts=${port}\nPidFile=\n[Limits]\n${limits}[Options]\n${options}`,
    )
    server = await BenchServer.start('ngircd', ['-n', '-f', config], port)
  }
  try {
    const name = contender === 'ngircd' ? 'irc' : contender
    const { stdout } = await run(fanout, [name, String(server.port), ...words])
    return JSON.parse(stdout)
  } finally {
    await server.stop()
  }
}

const contenders = [
  'netlab',
  ...['redis', 'ngircd'].filter((name) => {
    const program = name === 'redis' ? 'redis-server' : name
    if (!installed(program)) process.stderr.write(`${program} is not installed: left out\n`)
    return installed(program)
  }),
]

try {
  for (const workload of workloads) {
    const results = await interleaved(contenders, runs, (contender) => measure(contender, workload))
    const figures = (name: string, key: keyof Figures) => median((results.get(name) ?? []).map((one) => one[key]))
    const own = figures('netlab', 'deliveriesPerS')
    process.stdout.write(`\n${workload.name}\n`)
    const rows = contenders.map((name) => [
      name,
      Math.round(figures(name, 'deliveriesPerS')).toLocaleString('en'),
      (own / figures(name, 'deliveriesPerS')).toFixed(2),
      (figures(name, 'p50us') / 1000).toFixed(2),
      (figures(name, 'p99us') / 1000).toFixed(2),
      figures(name, 'joinS').toFixed(2),
    ])
    process.stdout.write(`${table([['', 'deliveries/s', 'netlab is ×', 'p50 ms', 'p99 ms', 'joins s'], ...rows])}\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
