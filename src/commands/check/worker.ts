import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { deserialize, serialize } from 'node:v8'
import { ExitCode } from '../../base/errors.ts'
import type { CheckResult } from '../../check/check.ts'
import { type CheckOutcome, type CheckPlan, runPlan } from '../../check/plan.ts'
import { prepareNamespace } from '../../check/sandbox.ts'
import type { CommandContext } from '../command.ts'

/** What the process in the sandbox is told, and what it tells; one a line, as `serialize` writes it, in base64. */
export interface WorkerPlan {
  readonly plan: CheckPlan
  /** How long the whole may take. */
  readonly timeMs: number
  /** The folder is a copy, to be removed if whoever made it is killed. */
  readonly ownFolder: boolean
}

export type WorkerMessage =
  | { readonly kind: 'trying'; readonly id: string }
  | { readonly kind: 'ended'; readonly result: CheckResult }
  | { readonly kind: 'outcome'; readonly outcome: CheckOutcome; readonly timeOver: boolean }

export function toLine(message: WorkerPlan | WorkerMessage): string {
  return `${serialize(message).toString('base64')}\n`
}

export function fromLine<T extends WorkerPlan | WorkerMessage>(line: string): T {
  return deserialize(Buffer.from(line, 'base64'))
}

/**
 * The process in which a program is checked: it reads a plan, tells each result, and ends with its standard input, whose other
 * end is held by the netlab that a person started. In a sandbox everything that the program left behind ends with it.
 */
export async function runWorker(context: CommandContext): Promise<ExitCode> {
  const { stdin, stdout, clock } = context
  const abort = new AbortController()
  let planned: (line: string) => void = () => {}
  const first = new Promise<string>((resolve) => {
    planned = resolve
  })
  const lines = createInterface({ input: stdin })
  lines.on('line', (line) => planned(line))
  const left = new Promise<undefined>((resolve) => {
    lines.on('close', () => {
      abort.abort()
      resolve(undefined)
    })
  })
  const { plan, timeMs, ownFolder } = fromLine<WorkerPlan>(await first)
  if (plan.ownNetwork) await prepareNamespace()
  let timeOver = false
  const timer = clock.after(timeMs, () => {
    timeOver = true
    abort.abort()
  })
  const running = runPlan(
    plan,
    { clock, signal: abort.signal, environment: context.environment },
    {
      trying: (id) => void stdout.write(toLine({ kind: 'trying', id })),
      ended: (result) => void stdout.write(toLine({ kind: 'ended', result })),
    },
  )
  // Whoever started us is gone or wants no more: then the whole ends at once, with all that it has started.
  const outcome = await Promise.race([running, left])
  timer.cancel()
  if (outcome === undefined) {
    if (ownFolder) rmSync(plan.folder, { recursive: true, force: true })
    return ExitCode.ok
  }
  stdout.write(toLine({ kind: 'outcome', outcome, timeOver }))
  lines.close()
  return ExitCode.ok
}
