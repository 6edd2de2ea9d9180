import { printable } from '../base/visible.ts'
import type { Language, Status } from './check.ts'
import { isText } from './dialect.ts'
import type { CheckReport, Report, Shown } from './report.ts'

/** How a report looks on a terminal or in a text file. */
export interface TextStyle {
  readonly columns: number
  readonly color: boolean
  readonly language: Language
}

const marks: Readonly<Record<Status, string>> = { pass: '✓', fail: '✗', skip: '–', unsure: '?', error: '!' }
const colors: Readonly<Record<Status, number>> = { pass: 32, fail: 31, skip: 90, unsure: 33, error: 35 }

const labels = {
  en: {
    sent: 'sent',
    expected: 'expected',
    actual: 'actual',
    trace: 'trace',
    output: 'output',
    means: 'means',
    change: 'change',
    because: 'hidden by',
    typed: 'typed',
    steps: 'steps',
    advice: 'advice',
  },
  ru: {
    sent: 'послано',
    expected: 'ждали',
    actual: 'пришло',
    trace: 'ошибка',
    output: 'вывод',
    means: 'значит',
    change: 'правка',
    because: 'скрыто:',
    typed: 'введено',
    steps: 'шаги',
    advice: 'совет',
  },
} as const

/** One check: a line when it passed, else with what a person needs to find the mistake. */
export function checkText(check: CheckReport, style: TextStyle): string {
  const { language } = style
  const label = labels[language]
  const mark = paint(marks[check.status], colors[check.status], style)
  const aside =
    check.because !== undefined
      ? ` (${label.because} ${check.because})`
      : check.note !== undefined
        ? ` (${check.note})`
        : ''
  const advice = check.level === 'advice' && check.status === 'fail' ? ` [${label.advice}]` : ''
  const lines = [`${mark} ${check.id.padEnd(13)} ${check.title}${advice}${paint(aside, 90, style)}`]
  if (check.status !== 'fail' && check.status !== 'unsure') return `${lines[0]}\n`
  const detail = (name: string, text: string | undefined): void => {
    if (text === undefined || text === '') return
    const room = Math.max(30, style.columns - 14)
    for (const [index, piece] of wrapped(printable(text), room).entries()) {
      lines.push(`    ${paint((index === 0 ? name : '').padEnd(9), 90, style)} ${piece}`)
    }
  }
  if (check.message !== undefined)
    for (const piece of wrapped(printable(check.message), Math.max(30, style.columns - 4))) lines.push(`    ${piece}`)
  if (check.steps !== undefined && check.steps.length > 0) {
    for (const [index, { atMs, what }] of check.steps.slice(-8).entries()) {
      detail(index === 0 ? label.steps : '', `${String(atMs).padStart(5)} ms  ${what}`)
    }
  }
  if (check.expected !== undefined && check.actual !== undefined) {
    detail(label.expected, shownText(check.expected))
    detail(
      label.actual,
      check.actual.bytes === 0 ? (language === 'en' ? 'nothing' : 'ничего') : shownText(check.actual),
    )
  }
  if (check.trace !== undefined)
    detail(label.trace, `${check.trace.line}${check.trace.place === undefined ? '' : ` (${check.trace.place})`}`)
  else for (const [index, line] of (check.output ?? []).entries()) detail(index === 0 ? label.output : '', line)
  const [first, second] = check.hint ?? []
  if (second === undefined) detail(label.change, first)
  else {
    detail(label.means, first)
    detail(label.change, second)
  }
  return `${lines.join('\n')}\n`
}

/** What stands before the checks. */
export function headText(report: Pick<Report, 'task' | 'subject' | 'seed' | 'sandbox'>, style: TextStyle): string {
  const what = printable(report.subject.command ?? report.subject.connect ?? '')
  return style.language === 'en'
    ? `${report.task}: ${what} (seed ${report.seed}, sandbox ${report.sandbox})\n`
    : `${report.task}: ${what} (число ${report.seed}, песочница ${report.sandbox})\n`
}

/** What stands behind the checks. */
export function summaryText(report: Report, style: TextStyle): string {
  const { summary, dialect, answers, notes, durationMs } = report
  const seconds = (durationMs / 1_000).toFixed(1)
  const lines: string[] = []
  if (dialect !== undefined) lines.push(style.language === 'en' ? `It ${dialect}.` : `Программа ${dialect}.`)
  if (answers.length > 0) {
    const options = answers.map((text) => `--answer ${JSON.stringify(text)}`).join(' ')
    lines.push(
      style.language === 'en'
        ? `Its questions were answered with: ${options}`
        : `На её вопросы мы ответили: ${options}`,
    )
  }
  lines.push(...notes)
  const unsure = summary.unsure + summary.error
  lines.push(
    style.language === 'en'
      ? `${summary.pass} passed, ${summary.fail} failed, ${summary.skip} skipped${unsure > 0 ? `, ${unsure} could not be told` : ''}; ${summary.points} of ${summary.maxPoints} points, ${seconds} s`
      : `прошло ${summary.pass}, не прошло ${summary.fail}, пропущено ${summary.skip}${unsure > 0 ? `, не удалось судить ${unsure}` : ''}; баллов ${summary.points} из ${summary.maxPoints}, ${seconds} с`,
  )
  return lines.map((line) => `${wrapped(printable(line), style.columns).join('\n')}\n`).join('')
}

/** A whole report as text. */
export function reportText(report: Report, style: TextStyle): string {
  return `${headText(report, style)}\n${report.checks.map((check) => checkText(check, style)).join('')}\n${summaryText(report, style)}`
}

function shownText({ bytes, from, text, hex }: Shown): string {
  const dots = from > 0 ? '…' : ''
  const more = from + hex.length / 2 < bytes ? '…' : ''
  const readable = isText(Buffer.from(hex, 'hex'))
  return `${bytes} B: ${dots}${readable ? JSON.stringify(text) : hex}${more}${readable && /[^\x20-\x7e]/.test(text) ? ` (${hex})` : ''}`
}

function paint(text: string, color: number, { color: colored }: TextStyle): string {
  return colored && text.trim() !== '' ? `\x1b[${color}m${text}\x1b[0m` : text
}

/** The text in lines of at most `columns` characters, cut at blanks. */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines
}
