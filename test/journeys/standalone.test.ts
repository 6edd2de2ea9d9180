import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { executable, projectRoot } from '../support/executable.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// Making the binary takes longer than all other tests together: `npm run test:standalone` does it, and then runs all
// journeys on it.
const onBinary = basename(executable).startsWith('netlab-') ? describe : describe.skip

/** Nothing of the caller's, not even PATH. */
const nothing = { PATH: undefined, HOME: undefined, LANG: undefined, TERM: undefined }

onBinary('the standalone binary', () => {
  let bytes: Buffer
  beforeAll(() => {
    bytes = readFileSync(executable)
  })

  test('is no larger than 115 MB, and its checksum is in SHA256SUMS', () => {
    expect(statSync(executable).size).toBeLessThanOrEqual(115e6)
    const sum = createHash('sha256').update(bytes).digest('hex')
    expect(readFileSync(join(dirname(executable), 'SHA256SUMS'), 'utf8')).toContain(`${sum}  ${basename(executable)}\n`)
  })

  test('knows nothing of the folder it was made in', () => {
    expect(bytes.includes(projectRoot)).toBe(false)
  })

  test('serves and connects in an empty folder without an environment', async () => {
    const cwd = temporaryFolder()
    await using server = startNetlab(['serve', 'echo', '--host', '127.0.0.1', '--port', '0', '--threads', '2'], {
      cwd,
      env: nothing,
    })
    const port = /:(\d+)$/.exec(await server.line(/listening on/))?.[1] ?? ''
    const client = await runNetlab(['connect', '127.0.0.1', port], { env: nothing, stdin: 'hello\n' })
    expect(client).toMatchObject({ stdout: 'hello\n', exitCode: 0 })
    expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(readdirSync(cwd)).toEqual(['logs'])
  })

  test('loads koffi from a folder that is gone afterwards', async () => {
    const TMPDIR = temporaryFolder()
    const { stdout, exitCode } = await runNetlab(['scan', '127.0.0.1', '--ports', '1-64', '--engine', 'libc'], {
      env: { ...nothing, TMPDIR },
    })
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 })
    expect(readdirSync(TMPDIR)).toEqual([])
  })

  test('loads koffi without a temporary folder', async () => {
    const { exitCode, stderr } = await runNetlab(['scan', '127.0.0.1', '--ports', '1-64', '--engine', 'libc'], {
      env: { ...nothing, TMPDIR: '/nowhere' },
    })
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('64 closed') })
  })
})
