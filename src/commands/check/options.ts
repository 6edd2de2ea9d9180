import { UsageError } from '../../base/errors.ts'
import { checkLimits } from '../../check/limits.ts'
import { type CheckEntry, taskNames, tasks } from '../../check/plan.ts'
import { choice, duration, flag, integer, type Kind, optional, path, remotePort, text } from '../../options/kinds.ts'
import { option } from '../../options/spec.ts'

/** A file and its format: `json=result.json`. */
export interface ReportFile {
  readonly format: string
  /** `-` is standard output. */
  readonly file: string
}

export const reportFormats = ['json', 'junit', 'markdown', 'html', 'gradescope', 'text'] as const

const reportFiles: Kind<readonly ReportFile[]> = {
  placeholder: 'FORMAT=FILE',
  parse(value) {
    return value.split(',').map((piece) => {
      const [, format = '', file = ''] = /^([a-z]+)=(.+)$/.exec(piece) ?? []
      if (!reportFormats.some((known) => known === format)) {
        throw new UsageError(`"${piece}" is not FORMAT=FILE with one of ${reportFormats.join(', ')}`)
      }
      return { format, file }
    })
  },
}

const target: Kind<{ readonly host: string; readonly port: number }> = {
  placeholder: 'HOST:PORT',
  parse(value) {
    const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(value.trim()) ?? []
    const host = bracketed ?? plain
    if (host === undefined) throw new UsageError(`"${value}" is not HOST:PORT`)
    return { host, port: remotePort.parse(port) }
  },
}

/** Words that belong together in one option, given several times: a comma is a part of a text. */
const texts: Kind<readonly string[]> = { placeholder: 'TEXT', parse: (value) => value.split(',') }

const none: readonly string[] = []
const noReports: readonly ReportFile[] = []

export const checkOptions = {
  task: option({
    kind: optional(choice(...taskNames)),
    summary: `what the program is: ${taskNames.join(', ')}`,
    default: undefined,
    ask: 'What is the program',
  }),
  cmd: option({
    kind: optional(text),
    summary: 'how the program is started; {port}, {host}, {user} and {password} are filled in',
    default: undefined,
  }),
  connect: option({
    kind: optional(target),
    summary: 'it runs already; what needs a restart or a look inside is skipped',
    default: undefined,
  }),
  cwd: option({ kind: path, summary: 'its folder; a copy of it is used and thrown away', default: '.' }),
  build: option({
    kind: optional(text),
    summary: 'run once in the copy before: javac, gcc, go build',
    default: undefined,
  }),
  answer: option({ kind: texts, summary: 'what to type when it asks, in order', default: none, repeatable: true }),
  between: option({
    kind: text,
    summary: 'what to type when it waits for its operator between two clients',
    default: '',
    defaultText: 'Enter',
  }),
  port: option({
    kind: optional(remotePort),
    summary: 'the port that it listens on',
    default: undefined,
    defaultText: 'found',
  }),
  word: option({ kind: text, summary: 'the word that ends a conversation', default: 'exit' }),
  only: option({
    kind: texts,
    summary: 'just these checks, with those that they need',
    default: none,
    repeatable: true,
  }),
  skip: option({ kind: texts, summary: 'checks to leave out', default: none, repeatable: true }),
  level: option({
    kind: choice('core', 'extra', 'all'),
    summary: 'core, extra too, or advice as well',
    default: 'extra' as const,
  }),
  list: option({ kind: flag, summary: 'list the checks of the task', default: false }),
  explain: option({
    kind: optional(text),
    summary: 'what one check does, why, and how its mistakes are mended',
    default: undefined,
  }),
  points: option({
    kind: optional(path),
    summary: 'a JSON file with the points of checks: {"echo.utf8": 2}',
    default: undefined,
  }),
  report: option({
    kind: reportFiles,
    summary: `write a report: ${reportFormats.join(', ')}; - is standard output`,
    default: noReports,
    repeatable: true,
  }),
  json: option({ kind: flag, summary: 'the same as --report json=-', default: false }),
  hints: option({
    kind: choice('none', 'short', 'full'),
    summary: 'how much is explained; none for an exam',
    default: 'full' as const,
  }),
  lang: option({ kind: choice('en', 'ru'), summary: 'the language of the report', default: 'en' as const }),
  seed: option({
    kind: optional(integer(1, 2_147_483_647)),
    summary: 'the same random texts again',
    default: undefined,
    defaultText: 'random',
  }),
  sandbox: option({
    kind: choice('auto', 'netns', 'process'),
    summary: 'namespaces of its own, or only limits',
    default: 'auto' as const,
  }),
  time: option({
    kind: duration,
    summary: 'how long the whole may take',
    default: checkLimits.wholeMs,
    defaultText: '120s',
  }),
  keep: option({ kind: flag, summary: 'leave the copy of the folder, and say where it is', default: false }),
} as const

/** The checks that the options choose, in the task's order. @throws {UsageError} for an id that the task doesn't have. */
export function chosenChecks(
  task: keyof typeof tasks,
  {
    only,
    skip,
    level,
  }: { readonly only: readonly string[]; readonly skip: readonly string[]; readonly level: 'core' | 'extra' | 'all' },
): readonly CheckEntry[] {
  const { checks } = tasks[task]
  const known = (id: string): string => {
    const found = checks.find((check) => check.id === id || check.id.endsWith(`.${id}`))
    if (found === undefined) {
      throw new UsageError(`${task} has no check "${id}"`, { hint: `netlab check ${task} --list lists them` })
    }
    return found.id
  }
  const wanted = only.map(known)
  const unwanted = new Set(skip.map(known))
  const levels = level === 'core' ? ['core'] : level === 'extra' ? ['core', 'extra'] : ['core', 'extra', 'advice']
  return checks.filter(
    (check) =>
      !unwanted.has(check.id) && (wanted.length > 0 ? wanted.includes(check.id) : levels.includes(check.level)),
  )
}
