// The scanner beside nmap: `npm run bench:scan`, names of rows as arguments run only those. Needs Linux; nmap is compared
// where it is installed; rows with an emulated host need root, iproute2 and a C compiler, and are skipped otherwise.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { interleaved, median, table } from './measure.ts'

interface Row {
  readonly name: string
  /** The share of nmap's time that is asked for. */
  readonly asked: number
  readonly target: string
  readonly ports: string
  readonly open: number
  readonly engine?: 'net'
  /** Arguments of the emulated host before its ports: delay, jitter, loss, drop, SYN limit, RST limit, link, queue. */
  readonly host?: string
  /** nmap takes minutes here: it runs once. */
  readonly slow?: boolean
}

const far = { target: '10.9.0.2', ports: '1-10000', open: 50 }
const rows: readonly Row[] = [
  { name: 'loopback', asked: 0.6, target: '127.0.0.1', ports: '1-65535', open: 20 },
  { name: 'loopback-net', asked: 1.3, target: '127.0.0.1', ports: '1-65535', open: 20, engine: 'net' },
  { name: 'loopback-24', asked: 0.9, target: '127.0.1.0/24', ports: '1-1000', open: 0 },
  { ...far, name: 'drop', asked: 0.1, ports: '1-65535', open: 10, host: '0 0 0 1 0 0 0 0', slow: true },
  { ...far, name: 'rtt-50', asked: 0.3, host: '50 0 0 0 0 0 0 0' },
  { ...far, name: 'loss-1-drop', asked: 0.1, host: '50 0 1 1 0 0 0 0', slow: true },
  { ...far, name: 'loss-5', asked: 0.05, host: '80 20 5 0 0 0 0 0', slow: true },
  { ...far, name: 'syn-limit', asked: 1.1, host: '20 0 0 0 1000 0 0 0' },
  { ...far, name: 'bottleneck', asked: 0.8, host: '50 0 0 0 0 0 5000 200' },
  { ...far, name: 'rst-limit', asked: 0.15, host: '20 0 0 0 0 200 0 0', slow: true },
]

const run = promisify(execFile)
const runs = Number(process.env.BENCH_RUNS ?? 5)
/** Longest that one scan may take; nmap needs more for a default drop, and its time is then a lower bound (`>`). */
const mostMs = Number(process.env.BENCH_SECONDS ?? 400) * 1000
const netlab = join(import.meta.dirname, '..', 'bin', 'netlab')

function works(command: string, ...words: string[]): boolean {
  try {
    execFileSync(command, words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const hasNmap = works('nmap', '--version')
const hasRoot = process.getuid?.() === 0 && works('ip', '-V') && works('cc', '--version')

function emulator(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'netlab-bench-')), 'emulated-host')
  execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'native', 'emulated-host.c')])
  return program
}

/** Ports spread over the range, the same every time. */
function openPorts({ open, ports }: Row): number[] {
  const last = Number(ports.split('-')[1])
  return Array.from({ length: open }, (_, index) => Math.floor(((index + 0.37) * last) / open) + 1)
}

interface Timed {
  readonly seconds: number
  /** How many of the row's open ports were found; another program's ports count for nothing. */
  readonly found: number
  readonly rssMiB: number
}

async function timed(row: Row, prefix: readonly string[], command: string, words: readonly string[]): Promise<Timed> {
  const [file = command, ...rest] = [...prefix, '/usr/bin/time', '-f', 'rss %M', command, ...words]
  const startedMs = performance.now()
  const options = { timeout: mostMs, maxBuffer: 1 << 28 }
  const { stdout, stderr } = await run(file, rest, options).catch((error: { stdout: string; stderr: string }) => error)
  const seconds = (performance.now() - startedMs) / 1000
  const open = new Set(openPorts(row))
  const said = stdout.matchAll(/^(\d+)\/tcp +open|"port":(\d+),[^}]*"state":"open"/gm)
  const found = [...said].filter(([, nmaps, ours]) => open.delete(Number(nmaps ?? ours))).length
  return { seconds, found, rssMiB: Number(/rss (\d+)/.exec(stderr)?.[1] ?? Number.NaN) / 1024 }
}

async function measure(row: Row): Promise<string[]> {
  if (row.host !== undefined && !hasRoot) return [row.name, 'skipped: needs root, iproute2 and a C compiler']
  const { host, target, ports, engine } = row
  const space = `netlab-bench-${process.pid}`
  const prefix = host === undefined ? [] : ['ip', 'netns', 'exec', space]
  const emulated = host === undefined ? undefined : await startHost(space, row)
  const servers = host === undefined ? await listen(row) : []
  const ours = ['scan', target, '-p', ports, '--jsonl', '--yes', ...(engine === undefined ? [] : ['--engine', engine])]
  const contenders: Record<string, () => Promise<Timed>> = {
    netlab: () => timed(row, prefix, netlab, ours),
    ...(hasNmap ? { nmap: () => timed(row, prefix, 'nmap', ['-sT', '-T4', '-n', '-Pn', '-p', ports, target]) } : {}),
  }
  const names = Object.keys(contenders)
  const fast = row.slow === true ? ['netlab'] : names
  const results = await interleaved(fast, runs, (name) => contenders[name]?.() ?? Promise.reject(new Error(name)))
  if (row.slow === true && contenders.nmap !== undefined) results.set('nmap', [await contenders.nmap()])
  emulated?.kill()
  if (host !== undefined) execFileSync('ip', ['netns', 'del', space])
  for (const server of servers) server.close()
  const all = results.get('netlab') ?? []
  const seconds = median(all.map((one) => one.seconds))
  const theirs = median((results.get('nmap') ?? []).map((one) => one.seconds))
  const found = `${Math.min(...all.map((one) => one.found))} of ${row.open}`
  const memory = `${Math.max(...all.map((one) => one.rssMiB)).toFixed(0)} MiB`
  const ratio = row.name === 'syn-limit' ? seconds / 10 : seconds / theirs
  const nmaps = `${theirs * 1000 < mostMs ? '' : '>'}${theirs.toFixed(2)}`
  return [row.name, seconds.toFixed(2), nmaps, ratio.toFixed(2), row.asked.toFixed(2), found, memory]
}

async function startHost(space: string, row: Row) {
  execFileSync('ip', ['netns', 'add', space])
  const words = [...(row.host ?? '').split(' '), ...openPorts(row).map(String)]
  const child = spawn('ip', ['netns', 'exec', space, emulator(), ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function listen(row: Row) {
  const servers = openPorts(row).map((port) => createServer((socket) => socket.destroy()).listen(port, '127.0.0.1'))
  // A port that something else has is open all the same.
  await Promise.all(servers.map((server) => Promise.race([once(server, 'listening'), once(server, 'error')])))
  return servers
}

const wanted = process.argv.slice(2)
const chosen = rows.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const lines = [['', 'netlab s', 'nmap s', 'ratio', 'asked', 'open found', 'memory']]
for (const row of chosen) lines.push(await measure(row))
console.log(table(lines))
console.log(`median of ${runs}; nmap once where it takes minutes; syn-limit: against ports ÷ limit`)
