import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { executable } from '../support/executable.ts'
import { startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { Terminal } from '../support/terminal.ts'

describe('a terminal that goes away ends netlab as SIGTERM does, and not as a bug of its own', () => {
  test('a server at its prompt stops in order, and says so in its log', async () => {
    const cwd = temporaryFolder()
    const terminal = new Terminal(['serve', 'echo', '--host', '127.0.0.1', '--port', '0'], { cwd })
    await terminal.see('echo>')
    terminal.hangUp()
    expect((await terminal.finished()).exitCode).toBe(0)
    expect(readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')).toContain('echo stopped: SIGHUP')
  })

  test.each([
    ['the menu', [], 'what next?'],
    ['a question', ['connect'], 'Which host?'],
    ['a progress bar', ['scan', '127.0.0.1', '--rate', '10'], '%'],
  ])('%s', async (_, args, seen) => {
    const terminal = new Terminal(args)
    await terminal.see(seen)
    terminal.hangUp()
    expect((await terminal.finished()).exitCode).toBe(143)
  })

  test('a conversation', async () => {
    const server = startNetlab(['serve', 'echo', '--host', '127.0.0.1', '--port', '0', '--no-console'])
    const [, address = ''] = /listening on (\S+)/.exec(await server.line(/listening/)) ?? []
    const terminal = new Terminal(['connect', address])
    await terminal.see('> ')
    terminal.hangUp()
    expect((await terminal.finished()).exitCode).toBe(143)
  })
})

/** GNU's nohup leaves a trace, others do not. */
const withGnu = process.platform === 'linux' ? test : test.skip

withGnu('a server under nohup goes on', async () => {
  const cwd = temporaryFolder()
  const command = [executable, 'serve', 'echo', '--host', '127.0.0.1', '--port', '0']
  const script = 'echo "pid $$."; exec nohup "$0" "$@" > >(cat) 2>&1'
  const terminal = new Terminal(['-c', script, ...command], { program: 'bash', cwd })
  const [, pid] = /(\d+)/.exec(await terminal.see(/pid \d+\./)) ?? []
  const [, port] = /:(\d+)/.exec(await terminal.see(/127.0.0.1:\d+\s/)) ?? []
  process.kill(Number(pid), 'SIGHUP')
  const client = await TestClient.connect(Number(port))
  client.write('stop\n')
  expect((await terminal.finished()).exitCode).toBe(0)
  expect(readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')).toContain('echo stopped: asked by client 1')
})
