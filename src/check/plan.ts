import { Random } from '../base/random.ts'
import type { BenchServices } from './bench.ts'
import type { CheckLevel, CheckResult, Words } from './check.ts'
import { describeDialect, type EchoDialect } from './dialect.ts'
import { EchoBench } from './echo-bench.ts'
import { echoChecks } from './echo-server.ts'
import type { ProgramPlan } from './program.ts'
import { type CheckListener, runChecks } from './run-checks.ts'
import type { Remote } from './server-bench.ts'

/** Everything that one check run needs to know; plain data, so that it can be handed to a process in a sandbox. */
export interface CheckPlan {
  readonly task: TaskName
  /** How the program is started; undefined where it runs already at `remote`. */
  readonly command: string | undefined
  readonly remote: Remote | undefined
  /** Where it runs: a copy of its author's folder. */
  readonly folder: string
  readonly port: number
  /** What to type in order. */
  readonly typed: readonly string[]
  /** Pattern and answer. */
  readonly rules: readonly (readonly [pattern: string, answer: string])[]
  readonly between: string
  readonly exitWord: string
  /** Of the checks to be run; those that they need are run as well. */
  readonly chosen: readonly string[]
  readonly seed: number
  readonly wrapper: readonly string[]
  readonly ownNetwork: boolean
}

/** What is known of one task. */
export interface TaskEntry {
  readonly summary: Words
  readonly checks: readonly CheckEntry[]
}

/** What is told of a check without running it. */
export interface CheckEntry {
  readonly id: string
  readonly level: CheckLevel
  readonly needs: readonly string[]
  readonly title: Words
  readonly does: Words
  readonly causes: Readonly<Record<string, { readonly means: Words; readonly change: Words }>>
}

export const tasks = {
  'echo-server': {
    summary: { en: 'a TCP server that sends back what it gets', ru: 'TCP-сервер, возвращающий полученное' },
    checks: echoChecks,
  },
} as const satisfies Readonly<Record<string, TaskEntry>>

export type TaskName = keyof typeof tasks

export const taskNames = Object.keys(tasks) as readonly TaskName[]

/** The check of that id in any task. */
export function findCheck(id: string): CheckEntry | undefined {
  for (const name of taskNames) {
    const found = tasks[name].checks.find((check) => check.id === id)
    if (found !== undefined) return found
  }
  return undefined
}

/** The chosen checks and, in the task's order, what they need. */
export function withNeeds<C extends Pick<CheckEntry, 'id' | 'needs'>>(
  checks: readonly C[],
  chosen: readonly string[],
): readonly C[] {
  const wanted = new Set<string>()
  const add = (id: string): void => {
    if (wanted.has(id)) return
    wanted.add(id)
    for (const need of checks.find((check) => check.id === id)?.needs ?? []) add(need)
  }
  for (const id of chosen) add(id)
  return checks.filter(({ id }) => wanted.has(id))
}

/** What a run of checks has shown. */
export interface CheckOutcome {
  readonly results: readonly CheckResult[]
  /** How the program talks, in words; undefined where it was never met. */
  readonly dialect: Words | undefined
  /** What was typed at its start. */
  readonly typed: readonly string[]
  readonly port: number | undefined
}

/** What a run of checks takes from the process that it is in. */
export interface RunServices extends Pick<BenchServices, 'clock' | 'signal'>, Pick<ProgramPlan, 'environment'> {}

/** Runs the plan's checks in this process. */
export async function runPlan(
  plan: CheckPlan,
  { clock, signal, environment }: RunServices,
  listener: CheckListener,
): Promise<CheckOutcome> {
  const services: BenchServices = {
    clock,
    signal,
    random: new Random(plan.seed),
    ownNetwork: plan.ownNetwork,
    plan: {
      command: plan.command ?? '',
      folder: plan.folder,
      answers: { host: '127.0.0.1', port: plan.port, user: 'Ann', password: 'Kx7-pass-word' },
      rules: plan.rules.map(([pattern, answer]) => ({ pattern: new RegExp(pattern, 'iu'), answer })),
      typed: plan.typed,
      wrapper: plan.wrapper,
      environment,
    },
  }
  const bench = new EchoBench(services, plan.remote)
  bench.between = plan.between
  bench.exitWord = plan.exitWord
  bench.runs.keepTimeWait(false)
  const results = await runChecks(withNeeds(tasks[plan.task].checks, plan.chosen), bench, listener)
  const met: EchoDialect | undefined = bench.passed('echo.reply') ? bench.dialect : undefined
  return {
    results,
    dialect: met === undefined ? undefined : describeDialect(met),
    typed: bench.firstTyped,
    port: bench.firstPort,
  }
}
