import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { SqliteSessionStore } from '../../src/accounts/session-store.ts'
import { newToken, ownerOf, Sessions } from '../../src/accounts/sessions.ts'
import { formatUsers, UserBook } from '../../src/accounts/users-file.ts'
import { systemClock } from '../../src/base/clock.ts'
import { BenchServer } from '../servers.ts'

const netlab = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'netlab')
const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-chat-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

export type Contender = 'netlab' | 'redis' | 'ngircd'

/** The program that must be installed for it; netlab is there. */
export const programs = { netlab: 'sh', redis: 'redis-server', ngircd: 'ngircd' } as const

/** A chat server that listens, and how bench/native/fanout talks to it. */
export interface Running {
  readonly server: BenchServer
  readonly dialect: 'netlab' | 'redis' | 'irc'
  /** What fanout needs to know besides. */
  readonly words: readonly string[]
}

/** @param environment for netlab only, e.g. NODE_OPTIONS */
export function start(contender: Contender, members: number, environment: NodeJS.ProcessEnv = {}): Promise<Running> {
  if (contender === 'netlab') return startNetlab(members, environment)
  return contender === 'redis' ? startRedis() : startNgircd()
}

let databases = 0

async function startNetlab(members: number, environment: NodeJS.ProcessEnv): Promise<Running> {
  const db = join(folder, `${++databases}.db`)
  const users = `${db}.users.json`
  const tokens = await prepareSessions(db, users, members)
  const common = ['--host', '127.0.0.1', '--port', '0', '--no-console', '--log-to', 'none']
  const own = ['--threads', '1', '--flood-rate', '0', '--db', db, '--users', users]
  const ready = /listening on [^\n]*:(\d+)/
  const server = await BenchServer.start(netlab, ['serve', 'chat', ...common, ...own], 0, ready, environment)
  return { server, dialect: 'netlab', words: [tokens] }
}

async function startRedis(): Promise<Running> {
  const port = await freePort()
  const args = ['--port', String(port), '--save', '', '--client-output-buffer-limit', 'pubsub 0 0 0']
  return {
    server: await BenchServer.start('redis-server', args, port, /Ready to accept/),
    dialect: 'redis',
    words: [],
  }
}

async function startNgircd(): Promise<Running> {
  const port = await freePort()
  const config = join(folder, 'ngircd.conf')
  const own = `Name=bench.local\nInfo=bench\nListen=127.0.0.1\nPorts=${port}\nPidFile=\n`
  const limits = 'MaxConnections=0\nMaxConnectionsIP=0\nMaxJoins=0\nMaxPenaltyTime=0\nPingTimeout=600\n'
  const options = 'PAM=no\nDNS=no\nIdent=no\n'
  writeFileSync(config, `[Global]\n${own}[Limits]\n${limits}[Options]\n${options}`)
  return { server: await BenchServer.start('ngircd', ['-n', '-f', config], port), dialect: 'irc', words: [] }
}

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
  for (let n = 0; n < members; n++)
    book.setUser({ name: `m${n}`, hash, since: '2026-01-01T00:00:00.000Z', id: `m${n}` })
  writeFileSync(users, [...formatUsers(book)].join(''), { mode: 0o600 })
  const sessions = new Sessions(new SqliteSessionStore(db), systemClock, { idleMs: day, maxMs: day })
  const made = await Promise.all(
    Array.from({ length: members }, (_, n) =>
      sessions.create(ownerOf({ name: `m${n}`, hash, since: '', id: `m${n}` }), '127.0.0.1'),
    ),
  )
  await sessions.close()
  const file = `${db}.tokens`
  writeFileSync(file, made.map(({ token }) => `${token}\n`).join(''))
  return file
}
