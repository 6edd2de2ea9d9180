import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { longTestMs } from '../support/timeouts.ts'

const program = fileURLToPath(new URL('./fixtures/program.ts', import.meta.url))

interface Run {
  readonly file: string
  readonly maxBytes: number
  readonly count: number
  readonly first: number
  readonly ending: 'exit' | 'throw' | 'nothing'
}

/** Runs the program to its end. */
function run({ file, maxBytes, count, first, ending }: Run) {
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; stdout: string; stderr: string }>()
  const child = execFile(
    process.execPath,
    [program, file, `${maxBytes}`, `${count}`, `${first}`, ending],
    (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
  )
  return promise
}

/** The lines in all files of the log, oldest file first. */
function linesIn(folder: string): string[] {
  const age = (name: string) => Number(name.split('.')[2] ?? 0)
  return readdirSync(folder)
    .sort((a, b) => age(b) - age(a))
    .flatMap((name) => readFileSync(join(folder, name), 'latin1').trimEnd().split('\n'))
}

describe('a program', () => {
  test(
    'that records a million events in one go and ends: every line once, in order, in bounded memory',
    async () => {
      const folder = temporaryFolder()
      const count = 1_000_000
      const file = join(folder, 'netlab.log')
      const { code, stdout, stderr } = await run({ file, maxBytes: 20_000_000, count, first: 0, ending: 'nothing' })
      expect(stderr).toBe('')
      expect(code).toBe(0)
      expect(readdirSync(folder).length).toBeGreaterThan(4)
      const lines = linesIn(folder)
      expect(lines).toHaveLength(count)
      expect(lines.findIndex((line, id) => !line.includes(`"id":${id},`))).toBe(-1)
      expect(Number(stdout)).toBeLessThan(150 * 1_048_576)
    },
    longTestMs(2),
  )

  test(
    'that calls process.exit, and one that dies of an exception, have logged everything, even to one file that rotates',
    async () => {
      const folder = temporaryFolder()
      const share = { file: join(folder, 'netlab.log'), maxBytes: 100_000, count: 15_000 }
      const [exits, throws] = await Promise.all([
        run({ ...share, first: 0, ending: 'exit' }),
        run({ ...share, first: 100_000, ending: 'throw' }),
      ])
      expect(exits).toMatchObject({ code: 3, stderr: '' })
      expect(throws).toMatchObject({ code: 1, stderr: expect.stringContaining('thrown on purpose') })
      expect(readdirSync(folder).length).toBeGreaterThan(5)
      const ids: number[] = linesIn(folder).map((line) => JSON.parse(line).id)
      expect(ids.toSorted((a, b) => a - b)).toEqual(
        [0, 100_000].flatMap((first) => Array.from({ length: share.count }, (_, index) => first + index)),
      )
    },
    longTestMs(2),
  )
})
