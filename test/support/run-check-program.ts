import { execFile } from 'node:child_process'
import type { CheckProgram } from './check-programs.ts'
import { executable } from './executable.ts'

interface ReportedCheck {
  readonly id: string
  readonly status: string
  readonly cause?: string
  readonly message?: string
  readonly hint?: readonly string[]
}

export interface CheckReportFile {
  readonly checks: readonly ReportedCheck[]
}

/** Grades a program with the executable; what its JSON report says. Rejects when there is none. */
export function runCheckProgram(
  { task, folder, words }: CheckProgram,
  more: readonly string[] = [],
): Promise<CheckReportFile> {
  return new Promise((resolve, reject) => {
    execFile(
      executable,
      ['check', task, '--cwd', folder, ...words, '--json', ...more],
      { maxBuffer: 16_777_216 },
      (error, stdout, stderr) => {
        if (stdout === '') reject(error ?? new Error(`no report: ${stderr}`))
        else resolve(JSON.parse(stdout))
      },
    )
  })
}
