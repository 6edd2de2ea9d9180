import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { executable, projectRoot } from '../support/executable.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const fromSources = executable.startsWith(projectRoot) ? describe : describe.skip
const start = join(projectRoot, 'bin', 'netlab')

/** A checkout with bin/netlab, and a `node` on PATH that calls itself `version` and prints how it was called. */
function checkout(version: string | undefined, folders: readonly string[] = []) {
  const root = temporaryFolder()
  for (const folder of ['bin', 'path', ...folders]) mkdirSync(join(root, folder), { recursive: true })
  copyFileSync(start, join(root, 'bin', 'netlab'))
  symlinkSync('/bin/sh', join(root, 'path', 'sh'))
  if (version !== undefined) fakeNode(join(root, 'path', 'node'), version)
  return { root, program: join(root, 'bin', 'netlab'), env: { PATH: join(root, 'path') } }
}

function fakeNode(file: string, version: string): void {
  writeFileSync(
    file,
    `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\nprintf '%s\\n' "$0" "$@" $$\nexit 9\n`,
  )
  chmodSync(file, 0o755)
}

fromSources('bin/netlab', () => {
  test.each(['v20.20.2', 'v24.19.3', 'v24.2.0', 'v25.9.0', 'v26.6.1', 'v9.11.2', 'nonsense', undefined])(
    'on Node %s without packages says what to do',
    async (version) => {
      const { root, ...place } = checkout(version, ['node_modules/yargs'])
      const { stdout, stderr, exitCode } = await runNetlab(['--version'], place)
      const found = version ?? 'none'
      expect(stderr).toBe(
        `netlab: Node 24.20 or newer is needed (found: ${found}); 'npm ci' in ${root} brings it along\n`,
      )
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 70 })
    },
  )

  test.each(['v24.20.0', 'v24.21.0', 'v26.7.0', 'v26.10.0', 'v27.0.0', 'v30.1.0'])(
    'runs on the Node %s of the system, as the same process, handing everything over',
    async (version) => {
      const { root, ...place } = checkout(version, ['node_modules/yargs'])
      const netlab = startNetlab(['serve', 'a b', '', '*', '--x=$y'], place)
      const { stdout, stderr, exitCode } = await netlab.finished()
      const [node, option, script, ...args] = stdout.split('\n').slice(0, -1)
      expect(args.pop()).toBe(String(netlab.process.pid))
      const program = `${root}/bin/../src/main/cli.ts`
      expect({ node, option, script }).toEqual({
        node: `${root}/path/node`,
        option: '--disable-sigusr1',
        script: program,
      })
      expect({ args, stderr, exitCode }).toEqual({ args: ['serve', 'a b', '', '*', '--x=$y'], stderr: '', exitCode: 9 })
    },
  )

  test('a new enough Node without the packages says so', async () => {
    const { root, ...place } = checkout('v24.21.0')
    const { stderr, exitCode } = await runNetlab([], place)
    expect(stderr).toBe(`netlab: the packages it needs are missing; run 'npm ci' in ${root}\n`)
    expect(exitCode).toBe(70)
  })

  test('the pinned Node goes before the one of the system', async () => {
    const { root, ...place } = checkout('v24.21.0', ['node_modules/.bin'])
    fakeNode(join(root, 'node_modules', '.bin', 'node'), 'v24.21.0')
    expect((await runNetlab(['x'], place)).stdout).toMatch(`${root}/bin/../node_modules/.bin/node\n`)
  })

  test('works through links, absolute and relative', async () => {
    const folder = temporaryFolder()
    symlinkSync(start, join(folder, 'one'))
    symlinkSync('one', join(folder, 'two'))
    const { stdout, exitCode } = await runNetlab(['--version'], { program: join(folder, 'two') })
    expect({ stdout, exitCode }).toEqual({ stdout: expect.stringMatching(/^netlab \d/), exitCode: 0 })
  })
})
