import { spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { ExitCode, NetlabError, reasonOf, StorageError, UsageError } from '../../base/errors.ts'
import { drawing, terminalText } from '../../base/terminal-door.ts'
import { printable } from '../../base/visible.ts'
import { checkLimits } from '../../check/limits.ts'
import { type CheckOutcome, type CheckPlan, findCheck, type TaskName, tasks } from '../../check/plan.ts'
import { filledIn } from '../../check/program.ts'
import { exitOf, makeReport, type Report, type ReportChoices, reportOf, type SandboxKind } from '../../check/report.ts'
import { renderReport } from '../../check/report-formats.ts'
import { checkText, headText, summaryText, type TextStyle, wrapped } from '../../check/report-text.ts'
import { findSandbox, ownerOf, type Sandbox } from '../../check/sandbox.ts'
import type { Values } from '../../options/spec.ts'
import { startSpinner } from '../../terminal/progress.ts'
import type { CommandContext } from '../command.ts'
import { type checkOptions, chosenChecks, type ReportFile } from './options.ts'
import { fromLine, toLine, type WorkerMessage } from './worker.ts'

type CheckValues = Values<typeof checkOptions>

/** Runs `netlab check`. @throws {NetlabError} for what a person can mend. */
export async function runCheck(values: CheckValues, context: CommandContext): Promise<ExitCode> {
  if (values.explain !== undefined) return explain(values.explain, values, context)
  const { task } = values
  if (task === undefined) {
    throw new UsageError('say what the program is', {
      hint: `netlab check ${Object.keys(tasks)[0]} --cmd 'python3 server.py'`,
    })
  }
  const chosen = chosenChecks(task, values)
  if (values.list) return list(task, values, context)
  if ((values.cmd === undefined) === (values.connect === undefined)) {
    throw new UsageError('say how the program is started (--cmd), or where it runs already (--connect)', {
      hint: `netlab check ${task} --cmd 'python3 server.py'`,
    })
  }
  const points = values.points === undefined ? new Map<string, number>() : readPoints(values.points)
  const choices: ReportChoices = { language: values.lang, hints: values.hints, points }
  const sandbox =
    values.cmd !== undefined && values.sandbox !== 'process' ? findSandbox(process.getuid?.() === 0) : undefined
  if (values.cmd !== undefined && sandbox === undefined) refuseUnsafe(values)
  const folder = values.cmd === undefined ? undefined : copyFolder(values.cwd, sandbox)
  try {
    const plan: CheckPlan = {
      task,
      command: values.cmd,
      remote: values.connect,
      folder: folder ?? tmpdir(),
      port: values.port ?? 9_090,
      typed: values.answer.map((text) => text.replace('{port}', String(values.port ?? 9_090))),
      rules: [],
      between: values.between,
      exitWord: values.word,
      chosen: chosen.map(({ id }) => id),
      seed: values.seed ?? randomInt(1, 2_147_483_647),
      wrapper: sandbox?.wrapper ?? [],
      ownNetwork: sandbox !== undefined,
    }
    if (values.build !== undefined) build(values.build, plan, context)
    return await checkAndTell(plan, sandbox, values, choices, context)
  } finally {
    if (folder !== undefined && !values.keep) rmSync(folder, { recursive: true, force: true })
    else if (folder !== undefined) context.stderr.write(`the copy is ${folder}\n`)
  }
}

async function checkAndTell(
  plan: CheckPlan,
  sandbox: Sandbox | undefined,
  values: CheckValues,
  choices: ReportChoices,
  context: CommandContext,
): Promise<ExitCode> {
  const kind: SandboxKind = plan.command === undefined ? 'none' : sandbox === undefined ? 'process' : 'netns'
  const subject = {
    ...(plan.command !== undefined && { command: plan.command, folder: basename(resolve(values.cwd)) }),
    ...(plan.remote !== undefined && { connect: `${plan.remote.host}:${plan.remote.port}` }),
  }
  const files: readonly ReportFile[] = [...values.report, ...(values.json ? [{ format: 'json', file: '-' }] : [])]
  const { out, style } = textOutput(files, values, context)
  // With our styles, which the door lets through in text that is made for it.
  const screen = drawing(out)
  const say = (text: string): void => void screen.write(terminalText(text))
  const live = style.color && out.isTTY === true && !context.isDumb
  const { clock } = context
  const startedAt = new Date(clock.now()).toISOString()
  const startedMs = clock.monotonic()
  say(`${headText({ task: plan.task, subject, seed: plan.seed, sandbox: kind }, style)}\n`)
  const spinner = live ? startSpinner(screen, '', clock) : undefined
  const running = runInProcess(plan, sandbox, values, context, (message) => {
    if (message.kind === 'trying') spinner?.say(`${message.id} ${findCheck(message.id)?.title[values.lang] ?? ''}`)
    if (message.kind === 'ended' && !context.signal.aborted) {
      if (!plan.chosen.includes(message.result.id) && message.result.status !== 'fail') return
      const text = checkText(reportOf(message.result, choices), style)
      if (spinner === undefined) say(text)
      else spinner.print(terminalText(text.trimEnd()))
    }
  })
  const { outcome, timeOver } = await running.finally(() => spinner?.stop())
  const durationMs = Math.round(clock.monotonic() - startedMs)
  const notes = sandbox === undefined && plan.command !== undefined ? [withoutSandbox[values.lang]] : []
  const report = makeReport(
    plan,
    outcome,
    { tool: `netlab ${context.machine.version}`, startedAt, durationMs, sandbox: kind, subject, notes },
    choices,
  )
  say(`\n${summaryText(report, style)}`)
  for (const file of files) writeReport(file, report, style, context)
  if (context.signal.aborted) throw context.signal.reason
  if (timeOver) return ExitCode.timeOver
  return exitCodeOf(report, plan)
}

function exitCodeOf(report: Report, plan: CheckPlan): ExitCode {
  const start = report.checks.find(({ id }) => id === 'echo.start')
  if (start?.status === 'fail' && start.cause === 'missing') return ExitCode.data
  if (plan.remote !== undefined && start?.status === 'fail') return ExitCode.unavailable
  return exitOf(report.checks)
}

/** Where the text goes: to standard output, unless a report goes there. */
function textOutput(
  files: readonly ReportFile[],
  values: CheckValues,
  context: CommandContext,
): { out: NodeJS.WriteStream; style: TextStyle } {
  const out = files.some(({ file }) => file === '-') ? context.stderr : context.stdout
  const color = out.isTTY === true && (context.environment.NO_COLOR ?? '') === '' && !context.isDumb
  return { out, style: { columns: out.columns ?? 80, color, language: values.lang } }
}

const withoutSandbox = {
  en: 'This system allows no namespaces: the program ran with limits only, one at a time.',
  ru: 'Эта система не разрешает пространства имён: программа работала только с ограничениями.',
} as const

/** Runs the plan in a process of its own, inside the sandbox where there is one. */
async function runInProcess(
  plan: CheckPlan,
  sandbox: Sandbox | undefined,
  values: CheckValues,
  context: CommandContext,
  listen: (message: Exclude<WorkerMessage, { kind: 'outcome' }>) => void,
): Promise<{ outcome: CheckOutcome; timeOver: boolean }> {
  const [file = '', ...words] = [...(sandbox?.enter ?? []), ...context.ownCommand, '--check-worker']
  // Not in the terminal's job: Ctrl-C reaches us, and we end it.
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  context.onExit(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {
    // It has ended; what it could say has been read.
  })
  const end = (): void => void child.stdin.end()
  context.signal.addEventListener('abort', end, { once: true })
  child.stdin.write(toLine({ plan, timeMs: values.time, ownFolder: plan.command !== undefined && !values.keep }))
  let last: Extract<WorkerMessage, { kind: 'outcome' }> | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const message = fromLine<WorkerMessage>(line)
    if (message.kind === 'outcome') {
      last = message
      end()
    } else listen(message)
  }
  if (last !== undefined) return last
  if (context.signal.aborted) throw context.signal.reason
  throw new Error('the process that checks has ended without a result')
}

function refuseUnsafe({ sandbox }: CheckValues): void {
  if (sandbox === 'netns') {
    throw new NetlabError('NO_SANDBOX', ExitCode.unavailable, 'this system allows no namespaces', {
      hint: 'leave --sandbox out to run with limits only',
    })
  }
  if (process.getuid?.() === 0) {
    throw new UsageError('a student’s program is not run as root without a sandbox', {
      hint: 'run netlab as another user, or where unshare and setpriv (util-linux) are allowed',
    })
  }
}

/** The folder's copy, which the program may spoil. */
function copyFolder(from: string, sandbox: Sandbox | undefined): string {
  const source = resolve(from)
  try {
    if (!existsSync(source) || !statSync(source).isDirectory())
      throw new UsageError(`${printable(from)} is not a folder`)
    const bytes = folderBytes(source)
    if (bytes > checkLimits.folderBytes) {
      throw new UsageError(`${printable(from)} holds more than ${checkLimits.folderBytes / 1_048_576} MB`, {
        hint: 'name the program’s own folder with --cwd',
      })
    }
    const copy = mkdtempSync(join(tmpdir(), 'netlab-check-'))
    cpSync(source, copy, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !leftOut.test(path) && !isSpecial(path),
    })
    const owner = ownerOf(sandbox)
    if (owner !== undefined) giveAway(copy, owner)
    return copy
  } catch (error) {
    if (error instanceof NetlabError) throw error
    throw new StorageError('CHECK_COPY', `cannot copy ${printable(from)}: ${reasonOf(error)}`, { cause: error })
  }
}

/** What no program under check needs of its folder. */
const leftOut = /[/\\](\.git|node_modules|\.venv)$/

function isSpecial(path: string): boolean {
  const entry = lstatSync(path)
  return !entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink()
}

function folderBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (leftOut.test(path)) continue
    if (entry.isDirectory()) bytes += folderBytes(path)
    else if (entry.isFile()) bytes += lstatSync(path).size
    if (bytes > checkLimits.folderBytes) return bytes
  }
  return bytes
}

function giveAway(path: string, owner: number): void {
  if (lstatSync(path).isSymbolicLink()) return
  chownSync(path, owner, owner)
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveAway(join(path, name), owner)
}

/** @throws {NetlabError} when it fails, with the last lines that it wrote. */
function build(command: string, plan: CheckPlan, { environment }: CommandContext): void {
  const [file = 'sh', ...words] = [
    ...plan.wrapper,
    'sh',
    '-c',
    filledIn(command, { host: '127.0.0.1', port: plan.port, user: '', password: '' }),
  ]
  const built = spawnSync(file, words, {
    cwd: plan.folder,
    timeout: 60_000,
    encoding: 'utf8',
    env: { ...environment, HOME: plan.folder },
  })
  if (built.status === 0) return
  const lines = `${built.stdout ?? ''}${built.stderr ?? ''}`.trim().split('\n').slice(-8).map(printable).join('\n  ')
  throw new NetlabError('CHECK_BUILD', ExitCode.data, `the program cannot be built: ${printable(command)} failed`, {
    hint: lines,
  })
}

function readPoints(file: string): ReadonlyMap<string, number> {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(
      `cannot read the points in ${printable(file)}: ${error instanceof SyntaxError ? 'it is not JSON' : reasonOf(error)}`,
    )
  }
  const points = new Map<string, number>()
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`${printable(file)} is not of the form {"echo.utf8": 2}`)
  }
  for (const [id, value] of Object.entries(parsed)) {
    if (findCheck(id) === undefined) throw new UsageError(`${printable(file)}: there is no check "${printable(id)}"`)
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new UsageError(`${printable(file)}: the points of ${id} are not a number`)
    points.set(id, value)
  }
  return points
}

function writeReport({ format, file }: ReportFile, report: Report, style: TextStyle, context: CommandContext): void {
  const text = renderReport(format, report, style)
  if (file === '-') {
    context.stdout.write(text)
    return
  }
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new StorageError('CHECK_REPORT', `cannot write ${printable(file)}: ${reasonOf(error)}`, { cause: error })
  }
}

function list(task: TaskName, values: CheckValues, { stdout }: CommandContext): ExitCode {
  for (const { id, level, title, needs } of tasks[task].checks) {
    const after = needs.length > 0 ? `  (${needs.join(', ')})` : ''
    stdout.write(`${id.padEnd(14)} ${level.padEnd(7)} ${title[values.lang]}${after}\n`)
  }
  return ExitCode.ok
}

function explain(id: string, { lang }: CheckValues, { stdout }: CommandContext): ExitCode {
  const check = findCheck(id)
  if (check === undefined)
    throw new UsageError(`there is no check "${printable(id)}"`, { hint: 'netlab check TASK --list lists them' })
  const say = (text: string, indent = ''): void => {
    for (const line of wrapped(text, (stdout.columns ?? 80) - indent.length)) stdout.write(`${indent}${line}\n`)
  }
  say(`${check.id} (${check.level}): ${check.title[lang]}`)
  stdout.write('\n')
  say(check.does[lang])
  for (const [cause, { means, change }] of Object.entries(check.causes)) {
    stdout.write(`\n${cause}\n`)
    say(means[lang], '  ')
    say(change[lang], '  ')
  }
  return ExitCode.ok
}
