import { chownSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type RunningNetlab, runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

const local = ['--host', '127.0.0.1', '--port', '0']
const sockets = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.sock'))
const asRoot = process.geteuid?.() === 0 ? test : test.skip
const onUnix = process.platform === 'win32' ? describe.skip : describe

async function start(cwd: string, ...args: string[]): Promise<RunningNetlab> {
  const netlab = startNetlab([...args, ...local, '--no-console'], { cwd })
  await netlab.line(/listening on/)
  return netlab
}

onUnix('netlab control', () => {
  test('answers on stdout as the console does, refuses on stderr, and stops the server, from its folder and from elsewhere', async () => {
    const cwd = temporaryFolder()
    await using server = await start(cwd, 'serve', 'echo')
    const here = (...words: string[]) => runNetlab(['control', ...words], { cwd })
    const status = await here('status')
    expect(status).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/^service +echo on .*\nclients /),
    })
    const elsewhere = await runNetlab(['control', cwd, 'logs', '1', 'listening'])
    expect(elsewhere.stdout).toMatch(/ echo\[\d+\]: echo listens on 127\.0\.0\.1:\d+\n$/)
    expect(await here('--folder', cwd, 'clients')).toMatchObject({ stdout: 'no clients\n', exitCode: 0 })
    expect(await here('kick', '7')).toMatchObject({ exitCode: 1, stdout: '', stderr: 'netlab: there is no client 7\n' })
    expect(await here('stop', 'now')).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('one word too many'),
    })
    expect(await here('statsu')).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('did you mean status?'),
    })
    expect(await here()).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
    expect(await here('stop')).toEqual({ exitCode: 0, stdout: 'stopping\n', stderr: '', signal: null })
    expect(await server.finished()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(sockets(cwd)).toEqual([])
    expect(await here('status')).toMatchObject({
      exitCode: 69,
      stderr: expect.stringMatching(/^netlab: no server runs in this folder\n/),
    })
  })

  test('works on the relay of chat-udp, and beside another server of the folder, which must then be named', async () => {
    const cwd = temporaryFolder()
    await using relay = await start(cwd, 'chat-udp', '--serve', '--no-discovery')
    await using echo = await start(cwd, 'serve', 'echo')
    const here = (...words: string[]) => runNetlab(['control', ...words], { cwd })
    expect((await here('status')).stderr).toMatch(
      /several servers run in this folder: .*\(process \d+\), .*\n.*say which/,
    )
    expect((await here('chat-udp', 'members')).stdout).toBe('nobody is in the room\n')
    expect((await here('--process', String(echo.process.pid), 'clients')).stdout).toBe('no clients\n')
    expect(await here('echo', 'stop')).toMatchObject({ exitCode: 0, stdout: 'stopping\n' })
    await echo.finished()
    expect(await here('say', 'a,  b')).toMatchObject({ exitCode: 0, stdout: 'said\n' })
    expect(await here('stop')).toMatchObject({ exitCode: 0 })
    expect(await relay.finished()).toMatchObject({ exitCode: 0 })
  })

  test('a pipe: a command a line, what comes with logs -f, and the last failure as exit code', async () => {
    const cwd = temporaryFolder()
    await using server = await start(cwd, 'serve', 'echo')
    const lines = await runNetlab(['control'], { cwd, stdin: 'clients\nkick 9\n\npause\n' })
    expect(lines).toMatchObject({
      exitCode: 1,
      stdout: 'no clients\nthere is no client 9\npaused: new connections are refused\n',
    })
    await using follower = startNetlab(['control', 'logs', '-f', 'paused'], { cwd })
    await follower.line(/are refused from now on/)
    await runNetlab(['control'], { cwd, stdin: 'resume\npause\n' })
    await follower.line(/are refused from now on/)
    follower.process.kill('SIGINT')
    expect(await follower.finished()).toMatchObject({ exitCode: 130, stderr: '' })
    await using last = startNetlab(['control', 'logs', '-f'], { cwd })
    await last.line(/are refused/)
    server.process.kill('SIGTERM')
    await last.line(/echo stopped/)
    expect((await last.finished()).exitCode).toBe(0)
  })

  test('a terminal: the console from afar, which leaves the server alone at Ctrl-D and sees it stop', async () => {
    const cwd = temporaryFolder()
    await using server = await start(cwd, 'serve', 'echo')
    const first = new Terminal(['control'], { cwd })
    await first.see('echo>')
    first.press('sta\t')
    await first.see('echo> status')
    first.press(keys.enter)
    await first.see('0 of at most')
    first.press(keys.ctrlD)
    expect(await first.finished()).toEqual({ exitCode: 0, signal: 0 })
    const second = new Terminal(['control'], { cwd })
    await second.see('echo>')
    second.press('stop', keys.enter)
    await second.see('stopping')
    expect(await second.finished()).toEqual({ exitCode: 0, signal: 0 })
    await server.finished()
  })

  test('a folder whose path no socket could have', async () => {
    const cwd = join(temporaryFolder(), 'x'.repeat(120), 'y z'.repeat(20))
    mkdirSync(cwd, { recursive: true })
    await using server = await start(cwd, 'serve', 'echo')
    expect(await runNetlab(['control', cwd, 'stop'])).toMatchObject({ exitCode: 0, stderr: '' })
    await server.finished()
  })

  test('a server that hangs costs no more than --timeout; one that was killed is none, and one that refuses control neither', async () => {
    const cwd = temporaryFolder()
    await using server = await start(cwd, 'serve', 'echo')
    server.process.kill('SIGSTOP')
    expect(await runNetlab(['control', 'status', '--timeout', '300ms'], { cwd })).toMatchObject({
      exitCode: 69,
      stderr: expect.stringMatching(/^netlab: the server does not answer within 0\.3 s\n/),
    })
    server.process.kill('SIGKILL')
    await server.finished()
    expect(sockets(cwd)).toHaveLength(1)
    expect(await runNetlab(['control', 'status'], { cwd })).toMatchObject({
      exitCode: 69,
      stderr: expect.stringContaining('no server runs'),
    })
    await using other = await start(cwd, 'serve', 'echo', '--no-control')
    expect((await runNetlab(['control', 'status'], { cwd })).exitCode).toBe(69)
    await other.stop()
  })

  test.each([
    [['/nowhere/at/all', 'status'], 64, 'there is no folder /nowhere/at/all'],
    [['/dev/null', 'status'], 64, '/dev/null is not a folder'],
  ])('%j ends with %i', async (words, exitCode, sentence) => {
    expect(await runNetlab(['control', ...words])).toMatchObject({
      exitCode,
      stderr: expect.stringContaining(sentence),
    })
  })

  test('a link that was planted is not followed', async () => {
    const cwd = temporaryFolder()
    const elsewhere = temporaryFolder()
    await using server = await start(elsewhere, 'serve', 'echo')
    symlinkSync(join(elsewhere, sockets(elsewhere)[0] ?? ''), join(cwd, 'netlab-0123456789ab.sock'))
    expect((await runNetlab(['control', 'stop'], { cwd })).exitCode).toBe(69)
    expect((await runNetlab(['control', 'status'], { cwd: elsewhere })).exitCode).toBe(0)
    await server.stop()
  })

  asRoot("another user's socket in this folder is given no command; one in that user's own folder is", async () => {
    const cwd = temporaryFolder()
    let heard = 0
    const trap = createServer(() => heard++)
    const planted = join(cwd, 'netlab-0123456789ab.sock')
    await new Promise<void>((resolve) => trap.listen(join(cwd, 'trap'), resolve))
    renameSync(join(cwd, 'trap'), planted)
    chownSync(planted, 65_534, 65_534)
    expect(await runNetlab(['control', 'stop'], { cwd })).toMatchObject({
      exitCode: 69,
      stderr: expect.stringContaining('belongs to another user'),
    })
    expect(heard).toBe(0)
    chownSync(cwd, 65_534, 65_534)
    await runNetlab(['control', 'stop', '--timeout', '100ms'], { cwd })
    expect(heard).toBe(1)
    trap.close()
  })
})
