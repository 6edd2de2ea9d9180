import { taskNames, tasks } from '../src/check/plan.ts'

/** docs/check-checks.md: every check of every task, from the tables. */
export function checkList(): string {
  const parts = [
    '# Every check',
    '',
    'Made from the tables by `npm run man`; [check.md](check.md) tells how they are used.',
    '',
  ]
  for (const name of taskNames) {
    const { summary, checks } = tasks[name]
    parts.push(`## ${name}: ${summary.en}`, '')
    for (const { id, level, needs, title, does, causes } of checks) {
      const after = needs.length > 0 ? `, after ${needs.map((need) => `\`${need}\``).join(', ')}` : ''
      parts.push(`### ${id}`, '', `**${title.en}** (${level}${after}). ${does.en}`, '')
      for (const [cause, { means, change }] of Object.entries(causes))
        parts.push(`- *${cause}*: ${means.en}. To mend it: ${change.en}.`)
      parts.push('')
    }
  }
  return parts.join('\n')
}
