import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { shellWith, stop } from '../support/shell.ts'
import { closedPort } from '../support/sockets.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

/** A port of loopback where each connection is treated so. */
async function listen(serve: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, close: () => server.close() }
}

let silent: Awaited<ReturnType<typeof listen>>
let slamming: Awaited<ReturnType<typeof listen>>
let rude: Awaited<ReturnType<typeof listen>>
let closed: number

beforeAll(async () => {
  silent = await listen((socket) => socket.resume())
  slamming = await listen((socket) => socket.resetAndDestroy())
  rude = await listen((socket) => socket.end('\x1b[31m=evil\r\n\xff', 'latin1'))
  closed = await closedPort()
})
afterAll(() => {
  for (const server of [silent, slamming, rude]) server.close()
})

const ascending = (...ports: number[]): number[] => ports.sort((a, b) => a - b)

describe('netlab scan', () => {
  test('a name is looked up (the standalone binary could not)', async () => {
    const { stdout, exitCode } = await runNetlab(['scan', 'localhost', '-p', String(silent.port)])
    expect(stdout).toContain(`Port ${silent.port} open`)
    expect(exitCode).toBe(0)
  })

  test('finds what accepts, what closes at once and what talks garbage, in ascending order', async () => {
    const ports = ascending(silent.port, slamming.port, rude.port)
    const { stdout, stderr, exitCode } = await runNetlab(['scan', '127.0.0.1', '-p', [closed, ...ports].join()])
    expect(exitCode).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => Number(/^Port (\d+) open/.exec(line)?.[1])),
    ).toEqual(ports)
    for (const port of ports) expect(stderr).toMatch(new RegExp(`^Port ${port} open`, 'm'))
    expect(stderr).toContain('3 open, 1 closed (refused)\n')
    expect(stderr).toContain('the result is complete\n')
    expect(stderr).not.toContain('\x1b')
  })

  test('a banner is escaped', async () => {
    const { stdout, exitCode } = await runNetlab([
      'scan',
      '127.0.0.1',
      '-p',
      String(rude.port),
      '--banner',
      '--json',
      '-q',
    ])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout).hosts[0].ports[0].banner).toBe('\\x1b[31m=evil\\r\\n\\xff')
    expect(stdout).not.toContain('\x1b')
  })

  test('nothing open: exit 1, and nothing on stdout', async () => {
    const { stdout, stderr, exitCode } = await runNetlab(['scan', '127.0.0.1', '-p', String(closed)])
    expect([stdout, exitCode]).toEqual(['', 1])
    expect(stderr).toContain('none open, 1 closed (refused)')
  })

  test.each([
    [[], 64, 'netlab: what to scan is missing\n'],
    [['does-not.exist.invalid', '-p', '1'], 69, 'netlab: does-not.exist.invalid could not be resolved ('],
  ])('%j ends with %i', async (words, exit, sentence) => {
    const { stdout, stderr, exitCode } = await runNetlab(['scan', ...words])
    expect([stdout, exitCode]).toEqual(['', exit])
    expect(stderr).toContain(sentence)
  })

  test('targets from a pipe', async () => {
    const words = ['scan', '-', '-p', String(silent.port), '--csv', '-q']
    const { stdout, exitCode } = await runNetlab(words, { stdin: '# ours\n127.0.0.1\n' })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^address,.*\r\n127\.0\.0\.1,,\d+,open,connected,\d/)
  })

  test('the help says what may be scanned', async () => {
    const { stdout, exitCode } = await runNetlab(['scan', '--help'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Scan only hosts that you own or have permission to test.')
    expect(stdout).toContain('--wait [DURATION]')
  })
})

describe('Ctrl-C', () => {
  test('in a pipe: the partial list as one valid document, and exit 130', async () => {
    const words = ['127.0.0.1', '-p', `${silent.port},${closed}`, '--wait', '1h', '--json']
    await using netlab = startNetlab(['scan', ...words])
    await netlab.stderr.waitFor(`Port ${silent.port} open`)
    const { stdout, exitCode } = await netlab.stop('SIGINT')
    expect(exitCode).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({
      interrupted: true,
      hosts: [{ ports: [{ port: silent.port, state: 'open' }] }],
    })
  })

  test('a scan stopped in the middle keeps its state, and goes on from there', async () => {
    const state = join(temporaryFolder(), 'scan.state')
    const words = [
      'scan',
      '127.0.0.1',
      '-p',
      '1-65535',
      '--rate',
      '500',
      '--show',
      'closed',
      '--jsonl',
      '--resume',
      state,
    ]
    await using netlab = startNetlab(words)
    await netlab.stdout.waitFor('"type":"result"')
    const { stdout, exitCode } = await netlab.stop('SIGINT')
    expect(exitCode).toBe(130)
    const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
    expect(summary).toMatchObject({ type: 'summary', interrupted: true, complete: false })
    expect(summary.notScanned).toBeGreaterThan(0)
    expect(JSON.parse(readFileSync(state, 'utf8'))).toMatchObject({ format: 'netlab-scan-resume' })
    const other = await runNetlab(['scan', '127.0.0.1', '-p', '1-9', '--resume', state])
    expect(other).toMatchObject({ exitCode: 64, stdout: '' })
    expect(other.stderr).toContain('is of a scan with other ports (1-65535)')
    expect(existsSync(state)).toBe(true)
  })
})

/** The keys are taken one by one again: a status is shown for each space. */
async function goneRaw(shell: Terminal): Promise<void> {
  const shown = shell.see(/\d+%: 1 of 2 ports, 1 open/)
  const asking = setInterval(() => shell.press(' '), 100)
  await shown.finally(() => clearInterval(asking))
}

describe('on a terminal', () => {
  test('asks what to scan, shows what it finds, and Ctrl-C ends it with the list so far', async () => {
    const terminal = new Terminal(['scan', '-p', `${silent.port},${closed}`, '--wait', '1h'], { columns: 20 })
    await terminal.see('What to scan')
    terminal.press('127.0.0.1', keys.enter)
    await terminal.see(`Port ${silent.port} open`)
    terminal.press(keys.ctrlC)
    expect(await terminal.finished()).toMatchObject({ exitCode: 130 })
    expect(terminal.screen.text).toContain(`Port ${silent.port} open  `)
  })

  test('Ctrl-Z stops it, and the keys work when it is back', async () => {
    const shell = await shellWith(`scan 127.0.0.1 -p ${silent.port},${closed} --wait 1h`)
    await shell.see(`Port ${silent.port} open`)
    await stop(shell)
    // The shell shows what is typed, and takes it.
    shell.press('echo $((40 + 2))', keys.enter)
    await shell.see('42')
    await shell.see('shell$ ')
    shell.press('fg', keys.enter)
    await shell.see('scan 127.0.0.1')
    await goneRaw(shell)
    shell.press('q')
    await shell.see(`expected to be open, but not: ${closed}`)
    await shell.see('shell$ ')
    shell.press('exit', keys.enter)
    expect(await shell.finished()).toMatchObject({ exitCode: 1 })
  })

  test('a large scan needs a yes', async () => {
    const terminal = new Terminal(['scan', '127.0.0.0/19', '-p', '1'])
    await terminal.see('This scan covers 8,192 addresses')
    terminal.press('n', keys.enter)
    expect(await terminal.finished()).toMatchObject({ exitCode: 1 })
  })

  test('space prints the status, and q stops with the list so far', async () => {
    const terminal = new Terminal(['scan', '127.0.0.1', '-p', `${silent.port},${closed}`, '--wait', '1h'])
    await terminal.see(`Port ${silent.port} open`)
    terminal.press(' ')
    await terminal.see(/\d+%: 1 of 2 ports, 1 open/)
    terminal.press('q')
    expect(await terminal.finished()).toMatchObject({ exitCode: 1 })
    expect(terminal.screen.text).toContain(`expected to be open, but not: ${closed}`)
  })
})
