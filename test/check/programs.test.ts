import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import { taskNames, tasks } from '../../src/check/plan.ts'
import { findSandbox } from '../../src/check/sandbox.ts'
import { checkPrograms } from '../support/check-programs.ts'
import { projectRoot } from '../support/executable.ts'
import { runCheckProgram } from '../support/run-check-program.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { longTestMs } from '../support/timeouts.ts'

// A fast selection; `npm run test:check` grades all of them.
const chosen: Readonly<Record<string, readonly string[]>> = {
  'good-prompts.py': [
    'echo.start',
    'echo.reply',
    'echo.keep',
    'echo.next',
    'echo.large',
    'echo.utf8',
    'echo.rst',
    'echo.while',
    'echo.cross',
  ],
  'one-client.py': ['echo.next', 'echo.rst'],
  'decode-crash.py': ['echo.utf8'],
  'whole-buffer.c': ['echo.clean'],
  'global-conn.py': ['echo.cross'],
  'no-reuse.py': ['echo.restart'],
  'syntax-error.py': ['echo.start', 'echo.reply'],
}

const allowed = findSandbox(process.getuid?.() === 0) !== undefined
const programs = checkPrograms().filter(({ file }) => file in chosen)

describe('netlab check on small programs', () => {
  for (const program of programs) {
    const there = allowed && spawnSync('which', [program.needs]).status === 0
    const only = chosen[program.file] ?? []
    ;(there ? test : test.skip)(
      `${program.file} fails ${program.fails.join(', ') || 'nothing'}`,
      async () => {
        const { checks } = await runCheckProgram(program, ['--only', only.join(',')])
        const failed = checks.filter(({ status }) => status === 'fail')
        expect(failed.map(({ id }) => id)).toEqual(program.fails.filter((id) => only.includes(id)))
        for (const { message, hint } of failed) {
          expect(message).toMatch(/./)
          expect(hint).toHaveLength(2)
        }
      },
      longTestMs(2),
    )
  }

  test('each of them is there', () => {
    expect(programs.map(({ file }) => file).sort()).toEqual(Object.keys(chosen).sort())
  })

  test('the programs know only checks that there are', () => {
    const known = taskNames.flatMap((task) => tasks[task].checks.map(({ id }) => id as string))
    const wrong = checkPrograms().flatMap(({ file, fails }) =>
      fails.filter((id) => !known.includes(id)).map((id) => `${file}: ${id}`),
    )
    expect(wrong).toEqual([])
  })

  const python = allowed && spawnSync('which', ['python3']).status === 0
  ;(python ? test : test.skip)(
    'bug: npm run test:check could not be started outside jest',
    async () => {
      const { stdout, exitCode } = await runNetlab(['scripts/test-check.ts', 'syntax-error'], {
        program: process.execPath,
        cwd: projectRoot,
      })
      expect(stdout).toContain('echo-server: 1 programs, 1 of 1 mistakes found, 0 false accusations')
      expect(exitCode).toBe(0)
    },
    longTestMs(2),
  )
})
