import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interleaved, median, table } from './measure.ts'

// How long netlab takes to start, from the sources and as the standalone binary (`npm run package`), beside bare Node.
// A server has started when it prints its line, a client when a line has come back from a server that runs already; all else,
// a scan of one port included, when it has ended. `node bench/startup.ts [RUNS]`

const root = fileURLToPath(new URL('..', import.meta.url))
const binary = join(root, 'dist', `netlab-${process.platform}-${process.arch}`)
const runs = Number(process.argv[2] ?? 11)

const peer = createServer((socket) => void socket.on('error', () => undefined).pipe(socket))
await once(peer.listen(0, '127.0.0.1'), 'listening')
const { port } = peer.address() as AddressInfo

const greeting = 'good morning'

/** What is started, and how many times bare Node it may take. */
const starts: readonly (readonly [args: string, bound: number])[] = [
  ['--version', 1.3],
  ['--help', 1.3],
  ['serve --help', 3],
  ['serve echo --help', 3],
  ['connect --help', 3],
  ['scan --help', 3],
  ['completion bash', 3],
  ['serve echo --port 0 --log-to none', 3],
  ['serve echo --port 0', 3],
  ['serve auth --port 0', 3],
  ['serve chat --port 0', 3],
  ['chat-udp --serve --port 0', 3],
  [`connect 127.0.0.1 ${port}`, 3],
  [`scan 127.0.0.1 --ports ${port}`, 3],
]

const programs = new Map([['sources', join(root, 'bin', 'netlab')]])
if (existsSync(binary)) programs.set('binary', binary)

const bare = 'node -e 0'
const contenders = new Map<string, readonly [program: string, args: readonly string[]]>()
contenders.set(bare, [process.execPath, ['-e', '0']])
for (const [args] of starts) {
  for (const [name, program] of programs) contenders.set(`${name}: ${args}`, [program, args.split(' ')])
}

const cwd = mkdtempSync(join(tmpdir(), 'netlab-startup-'))
try {
  // The first round fills the caches of the file system and of the compiler.
  await interleaved([...contenders.keys()], 1, start)
  const times = await interleaved([...contenders.keys()], runs, start)
  const nodeMs = median(times.get(bare) ?? [])
  const rows = starts.map(([args, bound]) => [
    `netlab ${args}`,
    ...[...programs.keys()].flatMap((name) => {
      const ms = median(times.get(`${name}: ${args}`) ?? [])
      return [ms.toFixed(0), (ms / nodeMs).toFixed(2)]
    }),
    bound.toFixed(1),
  ])
  const header = ['', ...[...programs.keys()].flatMap((name) => [`${name} ms`, '× node']), 'bound']
  console.log(`${bare}: ${nodeMs.toFixed(0)} ms; medians of ${runs}, interleaved`)
  console.log(table([header, ...rows]))
} finally {
  peer.close()
  rmSync(cwd, { recursive: true, force: true })
}

/** Milliseconds until the program has ended, has printed that it listens, or has said the line that it was given. */
function start(name: string): Promise<number> {
  const [program, args] = contenders.get(name) ?? [process.execPath, []]
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    let ready: number | undefined
    const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.on('error', () => undefined)
    if (args[0] === 'connect') child.stdin.write(`${greeting}\n`)
    child.stdout.on('data', (text: Buffer) => {
      if (ready !== undefined || !(text.includes('listening on') || text.includes(greeting))) return
      ready = performance.now()
      child.kill()
    })
    child.once('error', reject)
    child.once('exit', () => resolve((ready ?? performance.now()) - begun))
  })
}
