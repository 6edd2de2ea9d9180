import { Lateness } from './bench.ts'
import { type Check, type CheckResult, type Finding, isFinding, type NotApplicable, traceIn } from './check.ts'
import { checkLimits } from './limits.ts'
import { lastLines } from './program.ts'
import { isServer, type ServerBench } from './server-bench.ts'

/** Who is told how a check goes on. */
export interface CheckListener {
  trying(id: string): void
  ended(result: CheckResult): void
}

/**
 * Runs the checks in order. A check whose needs haven't passed is skipped, so that one cause is told once. What is seen counts at
 * once; silence has to repeat on a fresh run with twice the time.
 */
export async function runChecks<B extends ServerBench>(
  checks: readonly Check<B>[],
  bench: B,
  listener: CheckListener,
): Promise<readonly CheckResult[]> {
  const { clock, signal } = bench.services
  const results = new Map<string, CheckResult>()
  const lateness = new Lateness(clock)
  const end = (result: CheckResult): void => {
    results.set(result.id, result)
    if (result.status === 'pass') bench.passes.add(result.id)
    listener.ended(result)
  }
  try {
    for (const check of checks) {
      const because = hiding(check.needs, results)
      if (because !== undefined) {
        end(skipped(check, because))
        continue
      }
      if (signal.aborted) {
        end(unfinished(check))
        continue
      }
      listener.trying(check.id)
      const result = await runCheck(check, bench, lateness)
      end(signal.aborted ? unfinished(check) : result)
    }
  } finally {
    lateness.stop()
    await bench.closeAll()
    await bench.runs.stop()
  }
  return [...results.values()]
}

/** The check among the needs that hides this one: the first cause, not another that was hidden itself. */
function hiding(needs: readonly string[], results: ReadonlyMap<string, CheckResult>): string | undefined {
  for (const id of needs) {
    const result = results.get(id)
    if (result !== undefined && result.status !== 'pass') return result.because ?? id
  }
  return undefined
}

function skipped<B>({ id, level, title }: Check<B>, because: string | undefined): CheckResult {
  return {
    id,
    level,
    title,
    status: 'skip',
    attempts: 0,
    durationMs: 0,
    ...(because !== undefined && { because }),
    steps: [],
    output: [],
    programEnded: false,
  }
}

function unfinished<B>(check: Check<B>): CheckResult {
  return { ...skipped(check, undefined), status: 'error', note: { en: 'the time was over', ru: 'время вышло' } }
}

type Outcome = Finding | NotApplicable | undefined

async function runCheck<B extends ServerBench>(check: Check<B>, bench: B, lateness: Lateness): Promise<CheckResult> {
  const { clock } = bench.services
  const startedMs = clock.monotonic()
  bench.patience = 1
  let attempts = 0
  let late = false
  const attempt = async (): Promise<Outcome> => {
    attempts++
    lateness.take()
    const outcome = await once(check, bench)
    late ||= lateness.take() > checkLimits.lateMs
    return outcome
  }
  let outcome: Outcome
  for (let round = 0; round < (check.rounds ?? 1) && !isFinding(outcome); round++) outcome = await attempt()
  let last = { outcome, ...aftermath(bench, outcome) }
  let disagree = false
  if (isFinding(outcome) && outcome.proof !== true) {
    await discard(bench)
    bench.patience = 2
    const second = await attempt()
    if (isFinding(second)) last = { outcome: second, ...aftermath(bench, second) }
    else {
      await discard(bench)
      const third = await attempt()
      disagree = isFinding(third)
      if (!disagree) last = { outcome: third, ...aftermath(bench, third) }
    }
  }
  bench.patience = 1
  const result: CheckResult = {
    id: check.id,
    level: check.level,
    title: check.title,
    // A crash that is told is seen, however late we were.
    ...judged(check, last.outcome, { disagree, late: late && last.trace === undefined }),
    attempts,
    durationMs: Math.round(clock.monotonic() - startedMs),
    steps: last.steps,
    output: last.output,
    ...(last.trace !== undefined && { trace: last.trace }),
    programEnded: last.programEnded,
  }
  // What a faulty conversation has left behind would be told as the next check's mistake.
  if (result.status !== 'pass' || (bench.singleUse && bench.spent)) await discard(bench)
  return result
}

/** What a check's outcome is worth. Pure. */
export function judged<B>(
  { causes }: Pick<Check<B>, 'causes'>,
  outcome: Outcome,
  { disagree, late }: { readonly disagree: boolean; readonly late: boolean },
): Pick<CheckResult, 'status' | 'finding' | 'hint' | 'note'> {
  if (outcome === undefined) return { status: 'pass' }
  if (!isFinding(outcome)) return { status: 'skip', note: outcome.why }
  const hint = causes[outcome.cause]
  const told = { finding: outcome, ...(hint !== undefined && { hint }) }
  if (disagree) return { status: 'unsure', ...told, note: { en: 'two tries disagree', ru: 'две попытки разошлись' } }
  if (late && outcome.proof !== true) {
    return {
      status: 'unsure',
      ...told,
      note: { en: 'this machine was too busy to tell', ru: 'машина была слишком занята, чтобы судить' },
    }
  }
  return { status: 'fail', ...told }
}

async function once<B extends ServerBench>(check: Check<B>, bench: B): Promise<Outcome> {
  bench.runs.begin()
  try {
    for (const why of check.unless ?? []) {
      const not = why(bench)
      if (not !== undefined) return not
    }
    const server = check.fresh === true ? await bench.start() : await bench.server()
    return isServer(server) ? await check.run(bench, server) : server
  } finally {
    await bench.closeAll()
  }
}

async function discard(bench: ServerBench): Promise<void> {
  await bench.closeAll()
  if (bench.owns) await bench.runs.discard()
}

/** What the program has left to be told after a finding. */
function aftermath(
  bench: ServerBench,
  outcome: Outcome,
): Pick<CheckResult, 'steps' | 'output' | 'trace' | 'programEnded'> {
  const { current, steps } = bench.runs
  if (!isFinding(outcome)) return { steps: [], output: [], programEnded: false }
  const output = current?.output.toString() ?? ''
  const trace = traceIn(output)
  return {
    steps,
    output: lastLines(output, checkLimits.shownLines),
    ...(trace !== undefined && { trace }),
    programEnded: current?.ended !== undefined,
  }
}
