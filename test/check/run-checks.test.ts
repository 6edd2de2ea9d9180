import { describe, expect, test } from '@jest/globals'
import { timesFor } from '../../src/check/bench.ts'
import { type Finding, traceIn } from '../../src/check/check.ts'
import { taskNames, tasks, withNeeds } from '../../src/check/plan.ts'
import { exitOf } from '../../src/check/report.ts'
import { judged } from '../../src/check/run-checks.ts'

const causes = { silent: { means: { en: 'm', ru: 'з' }, change: { en: 'c', ru: 'п' } } }
const silence: Finding = { cause: 'silent', saw: { en: 'nothing came', ru: 'ничего' } }
const calm = { disagree: false, late: false }

describe('a verdict', () => {
  test.each([
    ['no finding passes', undefined, calm, 'pass'],
    ['a finding fails', silence, calm, 'fail'],
    ['what does not apply is skipped', { why: { en: 'w', ru: 'п' } }, calm, 'skip'],
    ['tries that disagree are unsure', silence, { disagree: true, late: false }, 'unsure'],
    ['silence on a busy machine is unsure', silence, { disagree: false, late: true }, 'unsure'],
    ['proof on a busy machine fails', { ...silence, proof: true }, { disagree: false, late: true }, 'fail'],
  ] as const)('%s', (_, outcome, circumstances, status) => {
    expect(judged({ causes }, outcome, circumstances).status).toBe(status)
  })
})

describe('the exit code', () => {
  test.each([
    [
      [
        ['core', 'pass'],
        ['extra', 'pass'],
      ],
      0,
    ],
    [
      [
        ['core', 'pass'],
        ['advice', 'fail'],
      ],
      0,
    ],
    [[['core', 'skip']], 0],
    [
      [
        ['core', 'pass'],
        ['extra', 'fail'],
      ],
      2,
    ],
    [
      [
        ['core', 'fail'],
        ['core', 'unsure'],
      ],
      1,
    ],
    [
      [
        ['core', 'unsure'],
        ['extra', 'fail'],
      ],
      75,
    ],
    [[['core', 'error']], 75],
  ] as const)('%j is %i', (checks, code) => {
    expect(exitOf(checks.map(([level, status]) => ({ level, status })))).toBe(code)
  })
})

test('times follow how fast the program answers, within bounds', () => {
  expect(timesFor([], 1)).toEqual({ answerMs: 600, quietMs: 150 })
  expect(timesFor([1, 50, 900], 1)).toEqual({ answerMs: 1_000, quietMs: 250 })
  expect(timesFor([1_000], 1)).toEqual({ answerMs: 3_000, quietMs: 600 })
  expect(timesFor([50], 2)).toEqual({ answerMs: 2_000, quietMs: 500 })
})

test('a choice brings what it needs, in the order of the table', () => {
  const checks = tasks['echo-server'].checks
  expect(withNeeds(checks, ['echo.cross']).map(({ id }) => id)).toEqual([
    'echo.start',
    'echo.reply',
    'echo.keep',
    'echo.next',
    'echo.while',
    'echo.cross',
  ])
})

describe.each(taskNames)('the checks of %s', (task) => {
  const { checks } = tasks[task]

  test('have ids of their own, and need only checks before them', () => {
    const seen = new Set<string>()
    for (const { id, needs } of checks) {
      expect(needs.filter((need) => !seen.has(need))).toEqual([])
      expect(seen).not.toContain(id)
      seen.add(id)
    }
  })

  test('explain each cause in both languages', () => {
    for (const { title, does, causes: each } of checks) {
      const texts = [title, does, ...Object.values(each).flatMap(({ means, change }) => [means, change])]
      for (const { en, ru } of texts) {
        // A sample in quotes may be in another language.
        expect(en.replace(/«.*?»/g, '')).toMatch(/^[^а-яё]{8,}$/i)
        expect(ru).toMatch(/[а-яё]/i)
      }
      expect(Object.keys(each).length).toBeGreaterThan(0)
    }
  })
})

describe('a crash trace', () => {
  test.each([
    [
      'Traceback (most recent call last):\n  File "/home/x/server.py", line 14, in <module>\n    data = conn.recv(1024)\nConnectionResetError: [Errno 104] Connection reset by peer\n',
      { line: 'ConnectionResetError: [Errno 104] Connection reset by peer', place: 'server.py:14' },
    ],
    [
      'Exception in thread "main" java.net.BindException: Address already in use\n\tat java.base/sun.nio.ch.Net.bind0(Native Method)\n\tat RunningServer.main(RunningServer.java:9)\n',
      {
        line: 'Exception in thread "main" java.net.BindException: Address already in use',
        place: 'RunningServer.java:9',
      },
    ],
    [
      'panic: listen tcp :9090: bind: address already in use\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x/main.go:12 +0x1d\n',
      { line: 'panic: listen tcp :9090: bind: address already in use', place: 'main.go:12' },
    ],
    ['listening on port 9090\nconnected\n', undefined],
  ])('%#', (output, trace) => {
    expect(traceIn(output)).toEqual(trace)
  })
})
