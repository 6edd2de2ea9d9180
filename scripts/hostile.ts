import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type Peers, password, type Trial, trials } from './hostile/commands.ts'
import { Run, talk, tryOut } from './hostile/run.ts'
import { type Surroundings, surroundings } from './hostile/surroundings.ts'
import { fault } from './hostile/verdict.ts'
import { root } from './package/folders.ts'

// npm run hostile [-- WORD…]: every command in every kind of surroundings, or those whose name begins with a WORD. Linux, as root;
// NETLAB_EXECUTABLE names another netlab, such as the standalone binary. It must work, or say in a sentence why not and what to do:
// never a stack trace, a hang, or a busy loop.
const words = process.argv.slice(2)
const netlab = process.env.NETLAB_EXECUTABLE ?? join(root, 'bin', 'netlab')
/** Most of a trial is waiting. */
const atATime = 6
const usual = { shell: 'exec "$0" "$@"' }

const wanted = <T extends { readonly name: string }>(all: readonly T[]): readonly T[] => {
  const named = all.filter(({ name }) => words.some((word) => name.startsWith(word)))
  return named.length === 0 ? all : named
}

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('hostile: not run, mounts and other users need Linux and root')
  process.exit(0)
}
await using peersDone = new AsyncDisposableStack()
const peers = await startPeers(peersDone)
let faults = 0
for (const around of wanted(surroundings)) {
  const left = [...wanted(trials)]
  const lines: string[] = []
  const work = async (): Promise<void> => {
    for (let trial = left.shift(); trial !== undefined; trial = left.shift()) lines.push(await report(trial, around))
  }
  await Promise.all(Array.from({ length: atATime }, work))
  console.log(lines.sort().join('\n'))
}
console.log(`${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1

/** A line on how it went, and what netlab said where that was not simply well. */
async function report(trial: Trial, around: Surroundings): Promise<string> {
  const { ended, said } = await tryOut(netlab, trial, around, peers, await freePort())
  const answered = (trial.server?.expect ?? trial.expect ?? /^/).test(said)
  const wrong = fault(ended, answered, around)
  if (wrong !== undefined) faults++
  const how = ended.failed ? `ends with ${ended.exitCode}` : answered ? 'works' : 'works in part'
  const text = how === 'works' ? '' : `\n      ${lastLines(`${said}\n${ended.stderr}`)}`
  return `${wrong === undefined ? ' ' : '!'} ${around.name} · ${trial.name}: ${wrong ?? how}${text}`
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-4).join('\n      ')
}

/** An echo and an auth server that knows Ada, and a relay, in surroundings as they should be. */
async function startPeers(stack: AsyncDisposableStack): Promise<Peers> {
  const start = async (...args: string[]): Promise<number> => {
    const run = stack.use(new Run(netlab, [...args, '--host', '127.0.0.1', '--port', '0'], usual))
    await run.until(() => run.stdout.includes('\n'))
    return Number(/:(\d+)\n/.exec(run.stdout)?.[1])
  }
  const echo = await start('serve', 'echo')
  const auth = await start('serve', 'auth')
  const relay = await start('chat-udp', '--serve', '--no-discovery')
  await talk(auth, ['Ada', password, password, 'exit'])
  return { echo, auth, relay }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
