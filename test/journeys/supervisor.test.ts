import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const local = ['--host', '127.0.0.1', '--port', '0', '--log-to', 'none']
const serve = ['serve', 'echo', ...local]
const relay = ['chat-udp', '--serve', '--room', 'den', '--no-discovery', ...local]
const onUnix = process.platform === 'win32' ? test.skip : test

onUnix.each([
  ['a server', serve],
  ['the relay of chat-udp', relay],
])('systemd hears that %s is ready and that it stops', async (_what, args) => {
  const cwd = temporaryFolder()
  const path = join(cwd, 'path')
  mkdirSync(path)
  const heard = join(cwd, 'heard')
  execFileSync('mkfifo', [heard])
  // Stands for systemd-notify(1): says what it was told, and to whom.
  const notify = join(path, 'systemd-notify')
  writeFileSync(notify, `#!/bin/sh\necho "$NOTIFY_SOCKET" "$@" > ${heard}\n`)
  chmodSync(notify, 0o755)

  const env = { PATH: `${path}:${process.env.PATH}`, NOTIFY_SOCKET: '/run/notify' }
  await using server = startNetlab(args, { cwd, env })
  const { pid } = server.process
  expect(await readFile(heard, 'utf8')).toBe(`/run/notify READY=1 MAINPID=${pid}\n`)
  server.process.kill('SIGTERM')
  expect(await readFile(heard, 'utf8')).toBe(`/run/notify STOPPING=1 MAINPID=${pid}\n`)
  expect(await server.finished()).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('systemd') })
})

onUnix('without systemd-notify the server serves, and says why systemd will not hear of it', async () => {
  await using server = startNetlab(serve, { env: { PATH: temporaryFolder(), NOTIFY_SOCKET: '/run/notify' } })
  await server.line(/listening on/)
  await server.stderr.waitFor(/cannot tell systemd/)
  expect(await server.stop()).toMatchObject({ exitCode: 0 })
})
