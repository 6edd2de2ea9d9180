import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'
import { executable, projectRoot } from '../support/executable.ts'
import { openPorts } from '../support/open-ports.ts'
import { type RunningNetlab, runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const onLinux = process.platform === 'linux' ? describe : describe.skip
const onBinary = process.platform === 'linux' && basename(executable).startsWith('netlab-') ? describe : describe.skip

const local = ['--host', '127.0.0.1', '--port', '0']

function portIn(line: string): number {
  return Number(/:(\d+)$/.exec(line)?.[1])
}

onLinux('a signal that Node would take for a wish to be debugged', () => {
  const servers = ['echo', 'ident', 'auth', 'chat'].map((name) => ['serve', name, ...local])
  const npm = { program: process.env.NETLAB_EXECUTABLE === undefined ? 'npm' : executable }

  test.each(servers)('bug: SIGUSR1 opened the debugger of %s %s to every user of the machine', async (...args) => {
    const cwd = temporaryFolder()
    await using server = startNetlab(args, { cwd })
    const port = portIn(await server.line(/listening on/))
    await bombard(server, port)
    expect(openPorts(server.process.pid ?? 0)).toEqual([port])
    expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('bug: the same of the relay and of its member', async () => {
    await using relay = startNetlab(['chat-udp', '--serve', '--no-discovery', ...local])
    const port = portIn(await relay.line(/listening on/))
    await using member = startNetlab(['chat-udp', '127.0.0.1', '--port', String(port), '--name', 'Ada'])
    member.type('first')
    await member.stdout.waitFor(/first/)
    for (const { process: child } of [relay, member]) {
      for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) for (let count = 0; count < 20; count++) child.kill(signal)
    }
    member.type('second')
    await member.stdout.waitFor(/second/)
    for (const { process: child } of [relay, member]) expect(openPorts(child.pid ?? 0)).toEqual([])
    expect(member.stderr.text + relay.stderr.text).not.toContain('Debugger')
  })

  test('bug: the same of a client', async () => {
    await using server = startNetlab(['serve', 'echo', ...local])
    const port = portIn(await server.line(/listening on/))
    await using client = startNetlab(['connect', '127.0.0.1', String(port)])
    client.type('first')
    await client.stdout.waitFor(/first/)
    for (let count = 0; count < 20; count++) client.process.kill('SIGUSR1')
    client.type('second')
    await client.stdout.waitFor(/second/)
    expect(openPorts(client.process.pid ?? 0)).toEqual([])
    client.process.stdin.end()
    expect(await client.finished()).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('Debugger') })
  })

  test('bug: the same of a scan', async () => {
    await using scan = startNetlab(['scan', '-', '--ports', '1', '--engine', 'net'])
    // It waits for its targets, and says nothing until then.
    await turnUntil(async () => catches(scan.process.pid ?? 0, constants.signals.SIGUSR2), 'the scan to run')
    for (let count = 0; count < 20; count++) scan.process.kill('SIGUSR1')
    scan.process.stdin.end('127.0.0.1\n')
    const { exitCode, stderr } = await scan.finished()
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.not.stringContaining('Debugger') })
  })

  test('bug: the same of what npm start runs', async () => {
    const args = npm.program === 'npm' ? ['--silent', '--prefix', projectRoot, 'start', '--'] : []
    const cwd = temporaryFolder()
    await using server = startNetlab([...args, 'serve', 'echo', ...local, '--log-to', 'none'], { ...npm, cwd })
    const port = portIn(await server.line(/listening on/))
    // npm is a Node too, but not ours.
    const own = descendants(server.process.pid ?? 0).find((pid) => openPorts(pid).includes(port)) ?? 0
    for (let count = 0; count < 20; count++) {
      process.kill(own, 'SIGUSR1')
      const client = await TestClient.connect(port)
      await client.end('exit\n').all()
    }
    expect(openPorts(own)).toEqual([port])
    expect(server.stderr.text).toBe('')
    process.kill(own, 'SIGTERM')
    await server.finished()
  })
})

/** Sends both signals many times, and waits for what would come of them, as long as clients come and go. */
async function bombard(server: RunningNetlab, port: number): Promise<void> {
  for (let count = 0; count < 20; count++) {
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) server.process.kill(signal)
    const client = await TestClient.connect(port)
    await client.end('exit\n').all()
  }
}

/** Whether a process has a handler for this signal (proc_pid_status(5)). */
function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n
}

/** A process and all that it started. */
function descendants(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    return readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  })
  return [pid, ...children.flatMap(descendants)]
}

/** Code that says so when it is run, in each form in which Node could be made to load it. */
function traps(): Readonly<Record<string, string>> {
  const folder = temporaryFolder()
  const script = join(folder, 'trap.js')
  writeFileSync(script, 'console.log("TRAPPED"); console.error("TRAPPED")\n')
  const openssl = join(folder, 'openssl.cnf')
  const sections = ['nodejs_conf = all', 'openssl_conf = all', '[all]', 'providers = list', '[list]', 'trap = it']
  writeFileSync(openssl, [...sections, '[it]', `module = ${folder}/none.so`, 'activate = 1', ''].join('\n'))
  const certificate = join(folder, 'ca.pem')
  writeFileSync(certificate, 'no certificate')
  return {
    'NODE_OPTIONS that inspect': 'NODE_OPTIONS=--inspect=127.0.0.1:0',
    'NODE_OPTIONS that load': `NODE_OPTIONS=--require ${script}`,
    'NODE_OPTIONS that import': `NODE_OPTIONS=--import file://${script}`,
    'NODE_OPTIONS that report': 'NODE_OPTIONS=--report-on-signal --report-signal=SIGUSR1',
    NODE_V8_COVERAGE: 'NODE_V8_COVERAGE=made-by-node',
    NODE_DEBUG: 'NODE_DEBUG=net,tls,worker,timer,fs,module,stream',
    NODE_DEBUG_NATIVE: 'NODE_DEBUG_NATIVE=PERMISSION_MODEL',
    NODE_EXTRA_CA_CERTS: `NODE_EXTRA_CA_CERTS=${certificate}`,
    NODE_REDIRECT_WARNINGS: 'NODE_REDIRECT_WARNINGS=made-by-node',
    NODE_PENDING_DEPRECATION: 'NODE_PENDING_DEPRECATION=1',
    NODE_TLS_REJECT_UNAUTHORIZED: 'NODE_TLS_REJECT_UNAUTHORIZED=0',
    NODE_PATH: `NODE_PATH=${folder}`,
    NODE_CHANNEL_FD: 'NODE_CHANNEL_FD=0',
    NODE_UNIQUE_ID: 'NODE_UNIQUE_ID=1',
    NODE_ICU_DATA: `NODE_ICU_DATA=${folder}`,
    NODE_USE_SYSTEM_CA: 'NODE_USE_SYSTEM_CA=1',
    NODE_USE_ENV_PROXY: 'NODE_USE_ENV_PROXY=1',
    WATCH_REPORT_DEPENDENCIES: 'WATCH_REPORT_DEPENDENCIES=1',
    OPENSSL_CONF: `OPENSSL_CONF=${openssl}`,
    OPENSSL_MODULES: `OPENSSL_MODULES=${folder}`,
    SSL_CERT_FILE: `SSL_CERT_FILE=${certificate}`,
    PKG_EXECPATH: 'PKG_EXECPATH=PKG_INVOKE_NODEJS',
  }
}

function variable(assignment: string): Record<string, string> {
  const at = assignment.indexOf('=')
  return { [assignment.slice(0, at)]: assignment.slice(at + 1) }
}

/** What Node prints when coverage, which it has begun by itself, is ended before it has anything to write. */
const coverageRemark = /^Failed to get 'result' from coverage profile response:\n.*\n/

onBinary('the standalone binary', () => {
  const all = traps()

  test.each(Object.keys(all))('does not obey %s', async (name) => {
    const cwd = temporaryFolder()
    await using server = startNetlab(['serve', 'echo', ...local], { cwd, env: variable(all[name] ?? '') })
    const line = await server.line(/listening on/)
    const port = portIn(line)
    await bombard(server, port)
    expect(openPorts(server.process.pid ?? 0)).toEqual([port])
    const { stdout, stderr, exitCode } = await server.stop()
    expect({ stdout, stderr: stderr.replace(coverageRemark, ''), exitCode }).toEqual({
      stdout: `${line}\n`,
      stderr: '',
      exitCode: 0,
    })
    expect(readdirSync(cwd)).toEqual(['logs'])
  })

  test.each([
    [['--version'], 0],
    [['--help'], 0],
    [['serve', '--help'], 0],
    [['completion'], 0],
    [['scan', '127.0.0.1', '--ports', '1', '--engine', 'net'], 1],
    [['connect', '127.0.0.1', '1'], 69],
    [['chat-udp', '--help'], 0],
    [['nonsense'], 64],
  ] as const)('does not obey any of them in %j', async (args, expected) => {
    const env = Object.assign({}, ...Object.values(all).map(variable))
    const [with_, without] = [temporaryFolder(), temporaryFolder()]
    const trapped = await runNetlab(args, { cwd: with_, env })
    const plain = await runNetlab(args, { cwd: without })
    expect(trapped.exitCode).toBe(expected)
    expect(trapped.stdout).toBe(plain.stdout)
    expect(trapped.stderr.replace(coverageRemark, '')).toBe(plain.stderr)
    expect(readdirSync(with_)).toEqual(readdirSync(without))
  })

  test('ends at once where NODE_REPL_EXTERNAL_MODULE is set, having loaded nothing', async () => {
    const env = { NODE_REPL_EXTERNAL_MODULE: join(temporaryFolder(), 'none.js') }
    expect(await runNetlab(['--version'], { env })).toMatchObject({ stdout: '', exitCode: 9 })
  })

  test('neither reads nor writes compiled code in a NODE_COMPILE_CACHE that everyone may write', async () => {
    const cache = temporaryFolder()
    chmodSync(cache, 0o777)
    await using server = startNetlab(['serve', 'echo', ...local], { env: { NODE_COMPILE_CACHE: cache } })
    await bombard(server, portIn(await server.line(/listening on/)))
    expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(filesBelow(cache)).toEqual([])
  })

  test.each(['--inspect', '--inspect-brk=0', '--require=./trap.js', '--node-options=--inspect', '-r', '--eval=1'])(
    'has no option %s',
    async (option) => {
      expect(await runNetlab([option])).toMatchObject({ stdout: '', exitCode: 64 })
      const { exitCode, stderr } = await runNetlab(['serve', 'echo', ...local, option])
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 64, stderr: expect.not.stringContaining('Debugger') })
    },
  )

  test('loads nothing of what lies beside it or where it is started', async () => {
    const folder = mkdtempSync(join(temporaryFolder(), 'beside-'))
    const program = join(folder, basename(executable))
    copyFileSync(executable, program)
    const trap = 'console.log("TRAPPED"); process.exit(77)\n'
    for (const name of ['yargs', 'yargs-parser', 'argon2', 'winston', 'koffi']) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true })
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), trap)
    }
    for (const name of ['index.js', 'cli.js', 'start.js', 'main.js', 'thread.js'])
      writeFileSync(join(folder, name), trap)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "main": "index.js", "imports": {')
    writeFileSync(join(folder, '.env'), 'NODE_OPTIONS=--inspect\nNETLAB_PORT=1\n')
    writeFileSync(join(folder, 'node.config.json'), '{ "nodeOptions": { "inspect": true } }')
    await using server = startNetlab(['serve', 'echo', ...local], { program, cwd: folder })
    const line = await server.line(/listening on/)
    await bombard(server, portIn(line))
    expect(openPorts(server.process.pid ?? 0)).toEqual([portIn(line)])
    expect(await server.stop()).toEqual({ stdout: `${line}\n`, stderr: '', exitCode: 0, signal: null })
  })
})

const fromSources = process.env.NETLAB_EXECUTABLE === undefined && process.platform !== 'win32' ? test : test.skip

fromSources('bug: bin/netlab ran what it found compiled in a NODE_COMPILE_CACHE that everyone may write', async () => {
  const cache = temporaryFolder()
  chmodSync(cache, 0o777)
  expect(await runNetlab(['serve', '--help'], { env: { NODE_COMPILE_CACHE: cache } })).toMatchObject({ exitCode: 0 })
  expect(readdirSync(cache)).toEqual([])
})

function filesBelow(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true }) as string[]
  return names.filter((name) => statSync(join(folder, name)).isFile())
}
