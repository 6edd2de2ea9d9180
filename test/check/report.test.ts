import { describe, expect, test } from '@jest/globals'
import { terminalText } from '../../src/base/terminal-door.ts'
import { printable } from '../../src/base/visible.ts'
import type { CheckResult } from '../../src/check/check.ts'
import type { CheckPlan } from '../../src/check/plan.ts'
import { makeReport, type ReportChoices } from '../../src/check/report.ts'
import { renderReport } from '../../src/check/report-formats.ts'
import { checkText } from '../../src/check/report-text.ts'
import { readXml } from '../support/xml-reader.ts'

const both = (text: string) => ({ en: text, ru: `ру ${text}` })
const nothing = { attempts: 1, durationMs: 5, steps: [], output: [], programEnded: false }
const hostile = `<b>"&'\x1b[31m\u202e\u0000]]>\`\`\`|`

const results: readonly CheckResult[] = [
  { id: 'echo.reply', level: 'core', title: both('replies'), status: 'pass', ...nothing },
  {
    id: 'echo.utf8',
    level: 'core',
    title: both('letters'),
    status: 'fail',
    ...nothing,
    finding: {
      cause: 'decode',
      saw: both(`it said ${hostile}`),
      sent: Buffer.from('secret-token'),
      expected: Buffer.from('abcdef'),
      actual: Buffer.from('abcxef'),
    },
    hint: { means: both('what it means'), change: both('what to change') },
    steps: [{ atMs: 3, what: both(`sent ${hostile}`) }],
    output: [hostile],
    trace: { line: `ValueError: ${hostile}`, place: 'a.py:3' },
    programEnded: true,
  },
  { id: 'echo.binary', level: 'extra', title: both('bytes'), status: 'skip', because: 'echo.utf8', ...nothing },
  {
    id: 'echo.while',
    level: 'extra',
    title: both('others'),
    status: 'unsure',
    note: both('two tries disagree'),
    ...nothing,
  },
]

const plan: CheckPlan = {
  task: 'echo-server',
  command: `python3 '${hostile}.py'`,
  remote: undefined,
  folder: '.',
  port: 9090,
  typed: [],
  rules: [],
  between: '',
  exitWord: 'exit',
  chosen: results.map(({ id }) => id),
  seed: 7,
  wrapper: [],
  ownNetwork: true,
}

const about = {
  tool: 'netlab 1',
  startedAt: '2026-01-02T03:04:05.000Z',
  durationMs: 1_234,
  sandbox: 'netns',
  subject: { command: `python3 '${hostile}.py'` },
  notes: [],
} as const

const choices: ReportChoices = { language: 'en', hints: 'full', points: new Map([['echo.utf8', 3]]) }
const outcome = { results, dialect: both('answers every portion'), typed: ['9090'], port: 9090 }
const report = (change: Partial<ReportChoices> = {}) => makeReport(plan, outcome, about, { ...choices, ...change })
const style = { columns: 80, color: false, language: 'en' } as const

test('points: what fails is lost, what another check hides is neither earned nor lost, what could not be told is not lost', () => {
  expect(report().checks.map(({ points, maxPoints }) => [points, maxPoints])).toEqual([
    [1, 1],
    [0, 3],
    [0, 0],
    [1, 1],
  ])
  expect(report().summary).toMatchObject({ pass: 1, fail: 1, skip: 1, unsure: 1, points: 2, maxPoints: 5 })
})

test('a failed check shows where the bytes differ', () => {
  const [, failed] = report().checks
  expect(failed).toMatchObject({ difference: 3, cause: 'decode', expected: { bytes: 6, from: 0, hex: '616263646566' } })
})

test('without hints nothing is shown from which an answer could be typed in', () => {
  for (const format of ['json', 'junit', 'markdown', 'html', 'gradescope', 'text']) {
    const text = renderReport(format, report({ hints: 'none' }), style)
    expect(text).not.toMatch(/secret-token|abcdef|abcxef|what to change|it said|a\.py:3/)
    expect(text).toContain('echo.utf8')
  }
})

test('short hints say what to change and nothing of the steps', () => {
  const [, failed] = report({ hints: 'short' }).checks
  expect(failed?.hint).toEqual(['what to change'])
  expect(failed?.steps).toBeUndefined()
})

test('a report in Russian is in Russian', () => {
  const text = renderReport('text', report({ language: 'ru' }), { ...style, language: 'ru' })
  expect(text).toContain('ру what to change')
  expect(text).toContain('прошло 1')
})

describe.each(['json', 'junit', 'markdown', 'html', 'gradescope', 'text'])('as %s', (format) => {
  const text = renderReport(format, report(), style)

  test('hostile text from the program does nothing', () => {
    // Lines of our own making aside, nothing is left that a terminal would obey.
    expect(text.split('\n').map(printable)).toEqual(text.split('\n'))
    if (format === 'html' || format === 'junit') expect(text).not.toContain('<b>"')
  })

  test('it can be read', () => {
    if (format === 'json' || format === 'gradescope') expect(JSON.parse(text)).toBeDefined()
    if (format === 'junit') {
      // The reader knows elements only; of their text it is enough that it has no markup.
      const suites = readXml(text.replace(/>[^<>]+</g, '><'))
      expect(text.replace(/&(lt|gt|amp|quot|#\d+);/g, '')).not.toContain('&')
      expect(JSON.stringify(suites)).toContain('echo.utf8')
    }
  })
})

test('on a terminal of 80 columns no line of a finding is longer', () => {
  const [, failed] = report().checks
  if (failed === undefined) throw new Error('no finding')
  const lines = checkText(failed, style).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(lines.length).toBeGreaterThan(6)
})

test('what the program wrote does nothing on a terminal, and our colours stay', () => {
  const [, failed] = report().checks
  if (failed === undefined) throw new Error('no finding')
  const text = terminalText(checkText(failed, { ...style, color: true }))
  const styled = ['31', '90', '0'].reduce((left, code) => left.replaceAll(`\u001b[${code}m`, ''), text)
  expect(styled.split('\n').map(printable)).toEqual(styled.split('\n'))
  expect(text).toContain('\u001b[31m✗')
})
