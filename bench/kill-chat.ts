import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { killChat } from '../test/support/kill-chat.ts'

// Usage: node bench/kill-chat.ts [KILLS]. Kills `netlab serve chat` under load, 100 times unless told otherwise, and says
// what became of the messages that were acknowledged. Ends with 1 when one was lost or came twice.

const kills = Number(process.argv[2] ?? 100)
const cwd = mkdtempSync(join(tmpdir(), 'netlab-kill-'))
const program = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'netlab')
const args = 'serve chat --host 127.0.0.1 --port 0 --log-to none --no-console --flood-rate 0'.split(' ')

async function start() {
  const server = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(server, 'exit')
  const [line] = await once(createInterface(server.stdout), 'line')
  return {
    port: Number(/:(\d+)$/.exec(line)?.[1]),
    async kill() {
      server.kill('SIGKILL')
      await exited
    },
  }
}

try {
  // Any moment: from the first message after a start to well into a run.
  const report = await killChat(kills, () => Math.floor(Math.random() * 500), start)
  process.stdout.write(`${JSON.stringify({ kills, ...report })}\n`)
  const good = report.idsRise && [report.lost, report.twice, report.disagreeing].every(({ length }) => length === 0)
  process.exitCode = good ? 0 : 1
} finally {
  rmSync(cwd, { recursive: true, force: true })
}
