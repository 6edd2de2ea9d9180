import type { RunningServer } from './program.ts'

/** A text in the languages of the reports. */
export interface Words {
  readonly en: string
  readonly ru: string
}

export type Language = keyof Words

/** `core`: the task says so. `extra`: an optional task, or plain good behaviour. `advice`: never costs points. */
export type CheckLevel = 'core' | 'extra' | 'advice'

/** `skip`: another check hides it. `unsure`: two tries disagree, or our machine was too busy. `error`: our finding. */
export type Status = 'pass' | 'fail' | 'skip' | 'unsure' | 'error'

/** What one mistake means in terms of TCP, and what to change: the name of the call, never finished code. */
export interface Hint {
  readonly means: Words
  readonly change: Words
}

/** What a check has seen go wrong. */
export interface Finding {
  /** A key of the check's `causes`. */
  readonly cause: string
  /** What we did and what came of it, with bytes and times. */
  readonly saw: Words
  /** It is seen in what the program did, so that one time is enough. Silence has to repeat. */
  readonly proof?: boolean
  readonly sent?: Buffer
  readonly expected?: Buffer
  readonly actual?: Buffer
}

/** Not a finding: what was looked for doesn't apply to this program, for the reason in `why`. */
export interface NotApplicable {
  readonly why: Words
}

/** One thing that a program is tried for, on a bench `B` that starts it and talks to it. */
export interface Check<B> {
  /** Such as `echo.reply`. */
  readonly id: string
  readonly level: CheckLevel
  /** Checks that must have passed, else this one would tell of their mistake again. */
  readonly needs: readonly string[]
  /** Kinds of program that it says nothing about; the first that holds tells why. */
  readonly unless?: readonly ((bench: B) => NotApplicable | undefined)[]
  /** It watches a run from its first moment. */
  readonly fresh?: boolean
  /** Times that a check of a race is run, with other timing each: one proof is enough. */
  readonly rounds?: number
  readonly title: Words
  /** What is done on the wire and when it passes, for `--explain`. */
  readonly does: Words
  readonly causes: Readonly<Record<string, Hint>>
  /**
   * Tries the program that is up: undefined is a pass.
   * @throws never for what the program does: a Finding or NotApplicable tells it
   */
  run(bench: B, server: RunningServer): Promise<Finding | NotApplicable | undefined>
}

export function isFinding(outcome: Finding | NotApplicable | undefined): outcome is Finding {
  return outcome !== undefined && 'cause' in outcome
}

/** One thing that was done during a check, with its time in ms from the check's start. */
export interface Step {
  readonly atMs: number
  readonly what: Words
}

/** How one check ended. */
export interface CheckResult {
  readonly id: string
  readonly level: CheckLevel
  readonly title: Words
  readonly status: Status
  readonly attempts: number
  readonly durationMs: number
  /** Of a skip: the check that hides it. */
  readonly because?: string
  /** Of a fail or an unsure. */
  readonly finding?: Finding
  readonly hint?: Hint
  /** Of a pass or a skip: something worth a line. */
  readonly note?: Words
  readonly steps: readonly Step[]
  /** The last lines that the program wrote, when the check failed. */
  readonly output: readonly string[]
  /** What a crash trace in it means. */
  readonly trace?: Trace
  readonly programEnded: boolean
}

/** A crash that a program's output tells of. */
export interface Trace {
  /** Its last line, `ConnectionResetError: …`. */
  readonly line: string
  /** `server.py:14`; undefined where none is told. */
  readonly place: string | undefined
}

/** A crash trace of Python, Java, Go, Node or Rust in what a program wrote last; undefined without one. */
export function traceIn(output: string): Trace | undefined {
  const lines = output.split(/\r?\n/)
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at]?.trim() ?? ''
    if (
      !/^([A-Z]\w*(\.\w+)*(Error|Exception|Interrupt|Exit|timeout|gaierror|herror)\b|socket\.\w+:|Exception in thread|panic:|thread '.*' panicked|fatal error:|Segmentation finding|Uncaught )/.test(
        line,
      )
    )
      continue
    return { line, place: placeNear(lines, at) }
  }
  return undefined
}

function placeNear(lines: readonly string[], at: number): string | undefined {
  for (let near = 0; near < 40; near++) {
    for (const line of [lines[at - near], lines[at + near]]) {
      const python = /File "(?:.*[/\\])?([^"/\\]+)", line (\d+)/.exec(line ?? '')
      if (python !== null && !/^(socket|threading|socketserver|selectors|runpy|codecs)\.py$/.test(python[1] ?? '')) {
        return `${python[1]}:${python[2]}`
      }
      const other = /(?:\(|\s|\/)([\w-]+\.(?:java|go|js|mjs|ts|rs|c|cpp)):(\d+)/.exec(line ?? '')
      if (other !== null && !/^(Thread|Socket|ServerSocket|Net|node:)/.test(other[1] ?? ''))
        return `${other[1]}:${other[2]}`
    }
  }
  return undefined
}
