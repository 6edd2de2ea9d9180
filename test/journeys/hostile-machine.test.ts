import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { executable } from '../support/executable.ts'
import { type Finished, runNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const serve = ['--host', '127.0.0.1', '--port', '0', '--no-console']

/** A mount of its own, which nobody else sees and which goes with the program. */
const mayMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
const withMounts = mayMount ? test : test.skip
const reason = mayMount ? '' : ' (skipped: no right to mount here)'

/** Runs a shell script in a folder that is a file system of its own; `$0` is netlab. */
function onFileSystem(size: string, script: string): Promise<Finished> {
  const mounted = `mount -t tmpfs -o size=${size} none . && cd "$PWD" && ${script}`
  return runNetlab(['--mount', '/bin/sh', '-c', mounted, executable], { program: 'unshare' })
}

test.each([
  ['serve chat', '40', ['serve', 'chat', ...serve, '--threads', '1']],
  ['chat-udp', '24', ['chat-udp', '--serve', ...serve]],
])(
  'bug: with too few file descriptors the threads of %s died of it, and netlab called it a bug of its own',
  async (_, limit, command) => {
    const args = ['-c', `ulimit -n ${limit}; exec "$0" "$@"`, executable, ...command]
    const { stderr, exitCode } = await runNetlab(args, { program: '/bin/sh' })
    expect(stderr).toMatch(
      /^netlab: this process may open \d+ more files and sockets, and a server needs at least \d+\n/,
    )
    expect(stderr).toMatch(/\n {2}raise the limit \(ulimit -n\)\n$/)
    expect(exitCode).toBe(69)
  },
)

test('bug: an empty certificate file was called a bug of netlab', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'netlab-tls.pem'), '')
  const { stderr, exitCode } = await runNetlab(['serve', 'echo', ...serve, '--tls'], { cwd })
  expect(stderr).toMatch(/^netlab: netlab-tls\.pem holds no certificate in PEM form\n {2}it is empty/)
  expect(exitCode).toBe(74)
})

withMounts(`bug: a full disk left an empty certificate for the next start${reason}`, async () => {
  const fill = 'dd if=/dev/zero of=full bs=1k count=1000 2>/dev/null'
  const { stdout, stderr } = await onFileSystem('64k', `${fill}; "$0" serve echo ${serve.join(' ')} --tls; echo $?; ls`)
  expect(stderr).toMatch(/cannot keep a new certificate in netlab-tls\.pem: no space is left/)
  expect(stdout).toBe('74\nfull\n')
})

withMounts(`bug: the log on a read-only file system was said not to exist${reason}`, async () => {
  const { stderr, exitCode } = await onFileSystem(
    '64k',
    `mount -o remount,ro . && exec "$0" serve echo ${serve.join(' ')}`,
  )
  expect(stderr).toMatch(/^netlab: cannot open the log file logs\/netlab\.log: the file system is read-only\n/)
  expect(exitCode).toBe(74)
})

withMounts(`bug: a database on a read-only file system was to be repaired${reason}`, async () => {
  const { stderr, exitCode } = await onFileSystem(
    '64k',
    `mount -o remount,ro . && exec "$0" serve auth ${serve.join(' ')} --log-to none`,
  )
  expect(stderr).toMatch(/\n {2}The file system is read-only; name another file with --db\.\n$/)
  expect(exitCode).toBe(74)
})

test('bug: a server started in a folder that was gone ended with an internal error', async () => {
  const args = ['-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$@"', executable, 'serve', 'echo', ...serve]
  const { stderr, exitCode } = await runNetlab(args, { program: '/bin/sh' })
  expect(stderr).toMatch(/netlab: the folder that it was started in is gone\n {2}go to a folder that exists/)
  expect(exitCode).toBe(74)
})

const limitsAddresses = process.platform === 'linux'

;(limitsAddresses ? test : test.skip)(
  `bug: with a limit on addresses V8 ended the server with a stack trace${limitsAddresses ? '' : ' (skipped: Linux tells the limit)'}`,
  async () => {
    const args = ['-c', 'ulimit -v 2097152; exec "$0" "$@"', executable, 'serve', 'auth', ...serve, '--threads', '1']
    const { stderr, exitCode } = await runNetlab(args, { program: '/bin/sh' })
    expect(stderr).toMatch(
      /^netlab: this process may reserve 2\.0 GiB of addresses, and this server needs 4\.5\n {2}raise/,
    )
    expect(exitCode).toBe(69)
  },
)

const hasProc = existsSync('/proc/self')
;(hasProc ? test : test.skip)(
  `bug: a log in a folder that cannot be made kept the start, and then the end, waiting for ever${hasProc ? '' : ' (skipped: no /proc here)'}`,
  async () => {
    const { stderr, exitCode } = await runNetlab(['serve', 'echo', ...serve, '--log-file', '/proc/none/netlab.log'])
    expect(stderr).toMatch(
      /^netlab: cannot open the log file \/proc\/none\/netlab\.log: there is no such file or folder\n/,
    )
    expect(exitCode).toBe(74)
  },
)

test('a database in the place of which a folder lies is no database to be repaired', async () => {
  const db = temporaryFolder()
  const { stderr, exitCode } = await runNetlab(['serve', 'auth', ...serve, '--log-to', 'none', '--db', db], {
    cwd: temporaryFolder(),
  })
  expect(stderr).toBe(
    `netlab: ${db} can't be used: it is a directory\n  A file is needed there, not a folder; name one with --db.\n`,
  )
  expect(exitCode).toBe(74)
})
