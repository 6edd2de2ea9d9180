import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encodeFrame } from '../src/net/frame-codec.ts'
import { table } from './measure.ts'

// Usage, as root: node bench/liveness.ts [CONNECTIONS [ROUND]]. How long both ends take to notice that the other one is gone: so
// many connections of each kind (20) lose it at once, to a pulled cable, to a network that drops all packets, and to a router that
// has forgotten their flow; a quarter as many lose nothing, and must stay. Everything happens in network namespaces. Ends with 1
// when anyone noticed late, or noticed what was not so.

const count = Number(process.argv[2] ?? 20)
const mostMs = 45_000
const here = fileURLToPath(import.meta.url)
const netlab = join(dirname(here), '..', 'bin', 'netlab')
const faults = ['cable', 'loss', 'flow', 'none'] as const
type Fault = (typeof faults)[number]
/** Who connects: `netlab connect`, a program from before there were pings, a person at nc; or, to echo, one who never reads. */
type Kind = 'connect' | 'frames' | 'text' | 'stalled'

interface Round {
  readonly service: 'chat' | 'auth' | 'echo'
  readonly kinds: readonly Kind[]
  /** When the clients, or somebody in the chat, say something: every other second from this time after the fault on. */
  readonly talkMs: number
}

const never = Number.POSITIVE_INFINITY
const chat = { service: 'chat', kinds: ['connect', 'frames', 'text'] } as const
const rounds: readonly Round[] = [
  { ...chat, talkMs: never },
  { ...chat, talkMs: -5_000 },
  { ...chat, talkMs: 30_000 },
  { service: 'auth', kinds: ['connect', 'frames', 'text'], talkMs: never },
  { service: 'auth', kinds: ['connect', 'frames', 'text'], talkMs: -5_000 },
  { service: 'echo', kinds: ['connect', 'text', 'stalled'], talkMs: never },
  { service: 'echo', kinds: ['connect', 'text', 'stalled'], talkMs: -5_000 },
]

const prefix = `netlab-live-${process.pid}`
const serverSpace = `${prefix}-server`
const spaceOf = (fault: Fault): string => `${prefix}-${fault}`
const addressOf = (fault: Fault, end: 1 | 2): string => `10.77.${faults.indexOf(fault)}.${end}`

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function inside(space: string, program: string, ...args: readonly string[]): void {
  ip('netns', 'exec', space, program, ...args)
}

function makeNetwork(): void {
  for (const space of [serverSpace, ...faults.map(spaceOf)]) {
    ip('netns', 'add', space)
    ip('-n', space, 'link', 'set', 'lo', 'up')
  }
  for (const fault of faults) {
    const link = `live${faults.indexOf(fault)}`
    ip('link', 'add', link, 'netns', serverSpace, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', spaceOf(fault))
    ip('-n', serverSpace, 'addr', 'add', `${addressOf(fault, 1)}/30`, 'dev', link)
    ip('-n', spaceOf(fault), 'addr', 'add', `${addressOf(fault, 2)}/30`, 'dev', 'eth0')
    ip('-n', serverSpace, 'link', 'set', link, 'up')
    ip('-n', spaceOf(fault), 'link', 'set', 'eth0', 'up')
  }
}

function removeNetwork(): void {
  for (const space of [serverSpace, ...faults.map(spaceOf)])
    try {
      execFileSync('ip', ['netns', 'delete', space], { stdio: 'ignore' })
    } catch {
      // It was never made.
    }
}

/** What arrives is dropped, at both ends: the sender's system notices nothing. */
function drop(space: string, what: string): void {
  inside(space, 'nft', 'add table ip live')
  inside(space, 'nft', 'add chain ip live in { type filter hook input priority 0 ; }')
  inside(space, 'nft', `add rule ip live in ${what} drop`)
}

/** @param ports of the clients that lose their flow */
function breakNetwork(ports: readonly number[]): void {
  ip('-n', spaceOf('cable'), 'link', 'set', 'eth0', 'down')
  drop(serverSpace, `ip saddr ${addressOf('loss', 2)}`)
  drop(spaceOf('loss'), `ip saddr ${addressOf('loss', 1)}`)
  const set = `{ ${ports.join(', ')} }`
  drop(serverSpace, `ip saddr ${addressOf('flow', 2)} tcp sport ${set}`)
  drop(spaceOf('flow'), `ip saddr ${addressOf('flow', 1)} tcp dport ${set}`)
}

interface LogLine {
  readonly time: string
  readonly event: string
  readonly id?: number
  readonly peer: { readonly address: string; readonly port: number }
  readonly reason?: string
}

function logOf(folder: string): LogLine[] {
  const lines = readFileSync(join(folder, 'logs', 'netlab.log'), 'utf8')
    .split('\n')
    .slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

/** Starts a program in a namespace and waits for a line; returns its first group. */
async function start(
  space: string,
  args: readonly string[],
  ready: RegExp,
  cwd: string,
): Promise<{ readonly child: ChildProcess; readonly found: string }> {
  const env = { ...process.env, NETLAB_PASSWORD: password, XDG_STATE_HOME: cwd, HOME: cwd }
  const child = spawn('ip', ['netns', 'exec', space, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin?.on('error', () => undefined)
  const found = Promise.withResolvers<string>()
  child.once('exit', (code) => found.reject(new Error(`${args.join(' ')} ended with ${code}`)))
  setTimeout(() => found.reject(new Error(`${args.slice(0, 4).join(' ')} was not ready in time`)), 180_000).unref()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface(stream).on('line', (line) => {
      const match = ready.exec(line)
      if (match !== null) found.resolve(match[1] ?? '')
    })
  }
  return { child, found: await found.promise }
}

const password = 'correct horse'

/** Four at a time. */
async function four<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all]
  const queue = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await act(one)
  }
  await Promise.all([queue(), queue(), queue(), queue()])
}

/** The accounts of those who come at one fault's link. */
function namesOf(kind: Kind, fault: Fault, wanted: number): readonly string[] {
  return Array.from({ length: wanted }, (_, at) => `${fault} ${kind} n${at}`)
}

/** When a client ended, and what its last words were. */
interface Noticed {
  readonly fault: Fault
  readonly atMs: number
  readonly said: string
}

/** One row: who of a kind had noticed when, in milliseconds after the fault. */
interface Row {
  readonly what: string
  readonly fault: Fault
  readonly wanted: number
  readonly afterMs: readonly number[]
  readonly words: ReadonlySet<string>
}

async function run({ service, kinds, talkMs }: Round): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'netlab-live-'))
  const children: ChildProcess[] = []
  try {
    removeNetwork()
    makeNetwork()
    const serve = [netlab, 'serve', service, '--host', '0.0.0.0', '--port', '0', '--no-console']
    const open = service === 'echo' ? [] : ['--insecure']
    const server = await start(serverSpace, [...serve, ...open], /listening on .*:(\d+)/, folder)
    const port = server.found
    children.push(server.child)
    const talkers: ChildProcess[] = []
    const noticed: Noticed[] = []
    const kindOf = new Map<string, Kind>()
    const peers = (fault: Fault) => (fault === 'none' ? Math.ceil(count / 4) : count)

    if (service !== 'echo') {
      const all = faults.flatMap((fault) => kinds.flatMap((kind) => namesOf(kind, fault, peers(fault))))
      const register = [process.execPath, here, 'register', '127.0.0.1', port, [...all, 'speaker'].join(',')]
      const { child } = await start(serverSpace, register, /^ready/, folder)
      child.kill()
    }
    for (const fault of faults) {
      for (const kind of kinds) {
        const before = new Set(logOf(folder).map(({ peer }) => peer?.port))
        if (kind === 'connect') {
          const come = async (name: string): Promise<void> => {
            const user = service === 'echo' ? ['--no-session'] : ['--user', name, '--no-session', '--insecure']
            const args = [netlab, 'connect', addressOf(fault, 1), port, ...user]
            const ready = service === 'echo' ? /^connected/ : /^Welcome/
            const { child } = await start(spaceOf(fault), args, ready, folder)
            children.push(child)
            if (service !== 'chat') talkers.push(child)
            let said = ''
            child.stderr?.on('data', (chunk: Buffer) => {
              said += chunk
            })
            child.once('exit', () => noticed.push({ fault, atMs: Date.now(), said }))
          }
          await four(namesOf(kind, fault, peers(fault)), come)
        } else {
          const args = [process.execPath, here, `${service}-${kind}`, addressOf(fault, 1), port, String(peers(fault))]
          const { child } = await start(spaceOf(fault), args, /^ready/, folder)
          children.push(child)
          talkers.push(child)
        }
        await pause(300)
        for (const { peer, event } of logOf(folder))
          if (event === 'connected' && !before.has(peer.port)) kindOf.set(`${peer.address}:${peer.port}`, kind)
      }
    }
    if (service === 'chat') {
      const args = [netlab, 'connect', '127.0.0.1', port, '--user', 'speaker', '--no-session']
      const { child } = await start(serverSpace, args, /^Welcome/, folder)
      children.push(child)
      talkers.push(child)
    }
    const talk = (): void => {
      const line = service === 'auth' ? 'whoami' : 'is anybody there?'
      for (const { stdin, exitCode } of talkers)
        if (exitCode === null && stdin?.writable === true) stdin.write(`${line}\n`)
    }
    let talking: NodeJS.Timeout | undefined
    const beginToTalk = (): void => {
      talk()
      talking = setInterval(talk, 2_000)
    }
    if (talkMs < 0) beginToTalk()
    await pause(5_000)
    const lines = logOf(folder)
    const left = new Set(lines.flatMap(({ event, id }) => (event === 'disconnected' ? [id] : [])))
    const flowsOf = (fault: Fault) =>
      lines.filter(
        ({ event, id, peer }) => event === 'connected' && peer.address === addressOf(fault, 2) && !left.has(id),
      )
    breakNetwork(flowsOf('flow').map(({ peer }) => peer.port))
    const brokenMs = Date.now()
    if (talkMs > 0 && talkMs !== never) setTimeout(beginToTalk, talkMs)
    await pause(mostMs + 15_000)
    clearInterval(talking)

    const rows: Row[] = []
    const title = `${service}, ${talkMs === never ? 'idle' : talkMs < 0 ? 'talking' : `talk after ${talkMs / 1000} s`}`
    const ends = logOf(folder).filter(({ event }) => event === 'disconnected')
    for (const fault of faults) {
      for (const kind of kinds) {
        // Some had come and gone before: probes, and a hello that was late.
        const there = flowsOf(fault).filter(({ peer }) => kindOf.get(`${peer.address}:${peer.port}`) === kind)
        const gone = there.flatMap(({ id }) => ends.find((end) => end.id === id) ?? [])
        const afterMs = gone.map(({ time }) => Date.parse(time) - brokenMs)
        const words = new Set(gone.map(({ reason = '' }) => reason))
        rows.push({ what: `${title}: server, ${kind}`, fault, wanted: there.length, afterMs, words })
      }
      const own = noticed.filter((one) => one.fault === fault)
      const words = new Set(
        own.map(({ said }) => /no answer from \S+ any more/.exec(said)?.[0].replace(/ from \S+/, '') ?? said),
      )
      const afterMs = own.map(({ atMs }) => atMs - brokenMs)
      rows.push({ what: `${title}: client`, fault, wanted: peers(fault), afterMs, words })
    }
    return rows
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await pause(500)
    removeNetwork()
    rmSync(folder, { recursive: true, force: true })
  }
}

function isGood({ fault, wanted, afterMs }: Row): boolean {
  return fault === 'none' ? afterMs.length === 0 : afterMs.filter((ms) => ms >= 0 && ms <= mostMs).length === wanted
}

// The other programs, in the namespace of the clients.

async function open(host: string, port: string, localAddress?: string): Promise<Socket> {
  const from = localAddress === undefined ? {} : { localAddress }
  const socket = connect({ host, port: Number(port), allowHalfOpen: true, keepAlive: true, ...from })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

function frame(message: object): Buffer {
  return encodeFrame(JSON.stringify(message))
}

/** Holds connections of one kind, and says whatever line it is given on each. */
async function hold(program: string, host: string, port: string, wanted: number): Promise<void> {
  const sockets: Socket[] = []
  for (let at = 0; at < wanted; at++) {
    const socket = await open(host, port)
    const kind = program.endsWith('frames') ? 'frames' : 'text'
    const [name = ''] = namesOf(kind, faults[Number(host.split('.')[2])] ?? 'none', at + 1).slice(at)
    sockets.push(socket)
    if (program === 'echo-stalled') {
      // Never read: what comes back fills both ends.
      socket.write(Buffer.alloc(16_777_216, 'x\n'))
      socket.pause()
      continue
    }
    let heard = ''
    const welcome = Promise.withResolvers<void>()
    socket.on('data', (chunk) => {
      if (heard.length > 4_096) return
      heard += chunk
      if (/[Ww]elcome|echo/.test(heard)) welcome.resolve()
    })
    if (program === 'echo-text') socket.write('echo\n')
    else if (program.endsWith('frames')) socket.write(frame({ type: 'login', name, password }))
    else socket.write(`${name}\n${password}\n`)
    await welcome.promise
    if (program === 'chat-frames') socket.write(frame({ type: 'enter' }))
  }
  process.stdout.write('ready\n')
  createInterface(process.stdin).on('line', (line) => {
    for (const socket of sockets)
      if (socket.writable && program !== 'echo-stalled')
        socket.write(program.endsWith('frames') ? frame({ type: 'whoami' }) : `${line}\n`)
  })
}

async function register(host: string, port: string, names: readonly string[]): Promise<void> {
  // From many addresses: one alone may not register so many.
  await four([...names.entries()], async ([at, name]) => {
    const socket = await open(host, port, `127.0.0.${2 + (at % 200)}`)
    socket.write(frame({ type: 'register', name, password }))
    let heard = ''
    for await (const chunk of socket) {
      heard += chunk
      if (heard.includes('welcome')) break
      if (heard.includes('denied')) throw new Error(heard)
    }
    socket.destroy()
  })
  process.stdout.write('ready\n')
  setInterval(() => undefined, 1_000)
}

async function measure(): Promise<void> {
  const only = process.argv[3]
  const rows: Row[] = []
  for (const [at, round] of rounds.entries())
    if (only === undefined || Number(only) === at) rows.push(...(await run(round)))
  const seconds = (ms: number) => (Number.isFinite(ms) ? (ms / 1000).toFixed(1) : '')
  process.stdout.write(
    `${table([
      ['who noticed', 'fault', 'noticed', 'first s', 'last s', 'as', ''],
      ...rows.map((row) => [
        row.what,
        row.fault,
        `${row.afterMs.length} of ${row.wanted}`,
        seconds(Math.min(...row.afterMs)),
        seconds(Math.max(...row.afterMs)),
        [...row.words].join('; ').slice(0, 60),
        isGood(row) ? '' : 'BAD',
      ]),
    ])}\n`,
  )
  process.exitCode = rows.every(isGood) ? 0 : 1
}

const [, , program = '', host = '', port = '', last = ''] = process.argv
if (program === 'register') await register(host, port, last.split(','))
else if (program.includes('-')) await hold(program, host, port, Number(last))
else await measure()
