import { escapeMarkup } from '../base/markup.ts'
import { printable, safeJson } from '../base/visible.ts'
import type { CheckReport, Report } from './report.ts'
import { checkText, reportText, type TextStyle } from './report-text.ts'

/** A report in one of its formats: json, junit, markdown, html, gradescope, text. Pure. */
export function renderReport(format: string, report: Report, style: TextStyle): string {
  const plain: TextStyle = { ...style, color: false, columns: 100 }
  switch (format) {
    case 'json':
      return `${safeJson(JSON.stringify(report))}\n`
    case 'junit':
      return junit(report, plain)
    case 'markdown':
      return markdown(report, plain)
    case 'html':
      return html(report, plain)
    case 'gradescope':
      return `${safeJson(JSON.stringify(gradescope(report, plain)))}\n`
    default:
      return reportText(report, plain)
  }
}

/** What a person reads of a check that didn't pass, without its first line. */
function details(check: CheckReport, style: TextStyle): string {
  return checkText(check, style)
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^ {4}/, ''))
    .join('\n')
    .trim()
}

function escapedLines(text: string): string {
  return text.split('\n').map(escapeMarkup).join('\n')
}

/** JUnit's XML as CI systems read it: one suite a program, a case a check. */
function junit(report: Report, style: TextStyle): string {
  const { summary, checks } = report
  const cases = checks.map((check) => {
    const open = `    <testcase classname="${escapeMarkup(report.task)}" name="${escapeMarkup(check.id)}" time="${(check.durationMs / 1_000).toFixed(3)}"`
    switch (check.status) {
      case 'pass':
        return `${open}/>`
      case 'fail':
        return `${open}>\n      <failure message="${escapeMarkup(check.message ?? check.title)}">${escapedLines(details(check, style))}</failure>\n    </testcase>`
      case 'skip':
        return `${open}>\n      <skipped message="${escapeMarkup(check.because ?? check.note ?? '')}"/>\n    </testcase>`
      default:
        return `${open}>\n      <error message="${escapeMarkup(check.note ?? check.title)}">${escapedLines(details(check, style))}</error>\n    </testcase>`
    }
  })
  const counts = `tests="${checks.length}" failures="${summary.fail}" errors="${summary.unsure + summary.error}" skipped="${summary.skip}" time="${(report.durationMs / 1_000).toFixed(3)}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n  <testsuite name="${escapeMarkup(subjectOf(report))}" ${counts} timestamp="${report.startedAt}">\n${cases.join('\n')}\n  </testsuite>\n</testsuites>\n`
}

function subjectOf({ subject, task }: Report): string {
  return subject.command ?? subject.connect ?? task
}

const symbols = { pass: '✅', fail: '❌', skip: '➖', unsure: '❔', error: '⚠️' } as const

function markdown(report: Report, style: TextStyle): string {
  const { summary } = report
  const rows = report.checks.map(
    ({ status, id, title, points, maxPoints, because, note }) =>
      `| ${symbols[status]} | \`${id}\` | ${cell(title)}${because !== undefined ? ` (${because})` : note !== undefined ? ` (${cell(note)})` : ''} | ${points} / ${maxPoints} |`,
  )
  const found = report.checks
    .filter(({ status }) => status === 'fail' || status === 'unsure')
    .map((check) => `### ${check.id}: ${cell(check.title)}\n\n${fenced(details(check, style))}\n`)
  return [
    `# ${report.task}: ${cell(subjectOf(report))}`,
    '',
    `${summary.points} / ${summary.maxPoints}, seed ${report.seed}`,
    '',
    '| | check | | points |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...found,
  ].join('\n')
}

/** Text in a table's cell or a heading: nothing of it is markup. */
function cell(text: string): string {
  return printable(text.replace(/\s+/g, ' ')).replace(/[\\`*_{}[\]<>|#!]/g, '\\$&')
}

/** Text in a block that no backticks in it can end. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}`
}

/** results.json of a Gradescope autograder. */
function gradescope(report: Report, style: TextStyle): object {
  return {
    score: report.summary.points,
    output: printable(subjectOf(report)),
    tests: report.checks.map((check, index) => ({
      number: String(index + 1),
      name: `${check.id}: ${check.title}`,
      score: check.points,
      max_score: check.maxPoints,
      status: check.status === 'fail' ? 'failed' : 'passed',
      output: check.status === 'pass' ? '' : fenced(details(check, style) || (check.because ?? check.note ?? '')),
      output_format: 'md',
      visibility: 'visible',
    })),
  }
}

/** One page without scripts. */
function html(report: Report, style: TextStyle): string {
  const { summary } = report
  const rows = report.checks.map((check) => {
    const more =
      check.status === 'fail' || check.status === 'unsure' ? `<pre>${escapedLines(details(check, style))}</pre>` : ''
    const aside = check.because ?? check.note
    return `<details class="${check.status}"${check.status === 'fail' ? ' open' : ''}><summary><b>${escapeMarkup(check.id)}</b> ${escapeMarkup(check.title)}${aside === undefined ? '' : ` <i>(${escapeMarkup(aside)})</i>`} <span>${check.points} / ${check.maxPoints}</span></summary>${more}</details>`
  })
  return `<!doctype html>
<html lang="${style.language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(report.task)}: ${escapeMarkup(subjectOf(report))}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 1rem 1.5rem }
details { border-left: .3rem solid gray; padding: .2rem .8rem; margin: .3rem 0 }
.pass { border-color: #2a9d4a } .fail { border-color: #d1343b } .unsure, .error { border-color: #d98e04 }
summary span { float: right }
</style>
<h1>${escapeMarkup(report.task)}</h1>
<p><code>${escapeMarkup(subjectOf(report))}</code></p>
<p>${summary.points} / ${summary.maxPoints}: ✓ ${summary.pass}, ✗ ${summary.fail}, – ${summary.skip}, ? ${summary.unsure + summary.error}</p>
${rows.join('\n')}
</html>
`
}
