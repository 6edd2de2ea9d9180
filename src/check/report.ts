import type { CheckResult, Language, Status, Words } from './check.ts'
import { firstDifference } from './dialect.ts'
import { checkLimits } from './limits.ts'
import type { CheckOutcome, CheckPlan } from './plan.ts'

/** The report of one program: what `--json` writes, and what every other format is made from. */
export interface Report {
  readonly format: 'netlab-check'
  readonly version: 1
  readonly tool: string
  readonly task: string
  readonly subject: { readonly command?: string; readonly connect?: string; readonly folder?: string }
  readonly seed: number
  readonly startedAt: string
  readonly durationMs: number
  readonly sandbox: SandboxKind
  /** How the program talks; absent where it was never met. */
  readonly dialect?: string
  readonly port?: number
  /** What was typed at its start, as it can be given with --answer. */
  readonly answers: readonly string[]
  readonly checks: readonly CheckReport[]
  readonly notes: readonly string[]
  readonly summary: Readonly<Record<Status, number>> & { readonly points: number; readonly maxPoints: number }
}

export type SandboxKind = 'netns' | 'process' | 'none'

export interface CheckReport {
  readonly id: string
  readonly title: string
  readonly level: CheckResult['level']
  readonly status: Status
  readonly points: number
  readonly maxPoints: number
  readonly cause?: string
  readonly message?: string
  /** What it means in terms of TCP, and what to change. */
  readonly hint?: readonly string[]
  readonly because?: string
  readonly note?: string
  readonly attempts: number
  readonly durationMs: number
  readonly sent?: Shown
  readonly expected?: Shown
  readonly actual?: Shown
  /** The first byte in which expected and actual differ. */
  readonly difference?: number
  readonly trace?: { readonly line: string; readonly place?: string }
  readonly output?: readonly string[]
  readonly steps?: readonly { readonly atMs: number; readonly what: string }[]
  readonly programEnded: boolean
}

/** Bytes for a person: their number, and those around the first difference. */
export interface Shown {
  readonly bytes: number
  readonly from: number
  readonly text: string
  readonly hex: string
}

export type HintLevel = 'none' | 'short' | 'full'

/** How a report is to be made. */
export interface ReportChoices {
  readonly language: Language
  readonly hints: HintLevel
  /** Points of a check; where none are given a core or extra check is worth one, advice none. */
  readonly points: ReadonlyMap<string, number>
}

/** Makes the report of an outcome. Pure. */
export function makeReport(
  plan: CheckPlan,
  outcome: CheckOutcome,
  about: Pick<Report, 'tool' | 'startedAt' | 'durationMs' | 'sandbox' | 'subject' | 'notes'>,
  choices: ReportChoices,
): Report {
  const chosen = outcome.results.filter(({ id, status }) => plan.chosen.includes(id) || status === 'fail')
  const checks = chosen.map((result) => reportOf(result, choices))
  const count = (status: Status): number => checks.filter((check) => check.status === status).length
  const sum = (of: 'points' | 'maxPoints'): number => checks.reduce((total, check) => total + check[of], 0)
  return {
    format: 'netlab-check',
    version: 1,
    tool: about.tool,
    task: plan.task,
    subject: about.subject,
    seed: plan.seed,
    startedAt: about.startedAt,
    durationMs: about.durationMs,
    sandbox: about.sandbox,
    ...(outcome.dialect !== undefined && { dialect: outcome.dialect[choices.language] }),
    ...(outcome.port !== undefined && { port: outcome.port }),
    answers: outcome.typed,
    checks,
    notes: about.notes,
    summary: {
      pass: count('pass'),
      fail: count('fail'),
      skip: count('skip'),
      unsure: count('unsure'),
      error: count('error'),
      points: sum('points'),
      maxPoints: sum('maxPoints'),
    },
  }
}

/** What the report says of one check. Pure. */
export function reportOf(result: CheckResult, { language, hints, points }: ReportChoices): CheckReport {
  const { finding, hint, note, trace } = result
  const say = (words: Words): string => words[language]
  // What another check's mistake hides is neither earned nor lost; what couldn't be told costs nothing.
  const worth = result.status === 'skip' ? 0 : (points.get(result.id) ?? (result.level === 'advice' ? 0 : 1))
  const lost = result.status === 'fail'
  const shown = hints !== 'none'
  const difference =
    finding?.expected === undefined || finding.actual === undefined
      ? undefined
      : firstDifference(finding.expected, finding.actual)
  return {
    id: result.id,
    title: say(result.title),
    level: result.level,
    status: result.status,
    points: lost ? 0 : worth,
    maxPoints: worth,
    ...(finding !== undefined && { cause: finding.cause }),
    ...(finding !== undefined && shown && { message: say(finding.saw) }),
    ...(hint !== undefined &&
      shown && { hint: hints === 'short' ? [say(hint.change)] : [say(hint.means), say(hint.change)] }),
    ...(result.because !== undefined && { because: result.because }),
    ...(note !== undefined && { note: say(note) }),
    attempts: result.attempts,
    durationMs: result.durationMs,
    ...(finding?.sent !== undefined && shown && { sent: shownBytes(finding.sent, 0) }),
    ...(finding?.expected !== undefined && shown && { expected: shownBytes(finding.expected, difference ?? 0) }),
    ...(finding?.actual !== undefined && shown && { actual: shownBytes(finding.actual, difference ?? 0) }),
    ...(difference !== undefined && shown && { difference }),
    ...(trace !== undefined &&
      finding !== undefined &&
      shown && { trace: { line: trace.line, ...(trace.place !== undefined && { place: trace.place }) } }),
    ...(result.output.length > 0 && shown && { output: result.output }),
    ...(finding !== undefined &&
      hints === 'full' && { steps: result.steps.map(({ atMs, what }) => ({ atMs, what: say(what) })) }),
    programEnded: result.programEnded,
  }
}

function shownBytes(bytes: Buffer, around: number): Shown {
  const from = Math.max(0, around - checkLimits.shownBytes)
  const part = bytes.subarray(from, around + checkLimits.shownBytes)
  return { bytes: bytes.length, from, text: part.toString(), hex: part.toString('hex') }
}

/** The exit code of a report: 0 all core passed, 1 a core check failed, 2 only others failed, 75 a core check could not be told. */
export function exitOf(checks: readonly Pick<CheckReport, 'level' | 'status'>[]): 0 | 1 | 2 | 75 {
  const some = (level: 'core' | 'extra', status: Status): boolean =>
    checks.some((check) => check.level === level && check.status === status)
  if (some('core', 'fail')) return 1
  if (some('core', 'unsure') || some('core', 'error')) return 75
  return some('extra', 'fail') ? 2 : 0
}
