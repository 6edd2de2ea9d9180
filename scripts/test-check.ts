import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { checkPrograms } from '../test/support/check-programs.ts'
import { runCheckProgram } from '../test/support/run-check-program.ts'

// npm run test:check [-- WORD…]: grades every program under test/check/programs (those whose file name contains a word), and
// prints by task how many of their mistakes were found (recall) and how many were told that they haven't (false accusations).
const words = process.argv.slice(2)
const programs = checkPrograms().filter(({ file }) => words.length === 0 || words.some((word) => file.includes(word)))
const missing = new Set(programs.map(({ needs }) => needs).filter((name) => spawnSync('which', [name]).status !== 0))

interface Tally {
  programs: number
  mistakes: number
  found: number
  accusations: number
  unsure: number
  readonly seconds: number[]
}
const tallies = new Map<string, Tally>()
const queue = programs.filter(({ needs }) => !missing.has(needs))
await Promise.all(
  Array.from({ length: Math.max(1, Math.floor(cpus().length / 2)) }, async () => {
    for (let program = queue.shift(); program !== undefined; program = queue.shift()) {
      const { task, file, fails } = program
      const startedMs = performance.now()
      const report = await runCheckProgram(program)
      const seconds = (performance.now() - startedMs) / 1_000
      const failed = report.checks.filter(({ status }) => status === 'fail').map(({ id }) => id)
      const unsure = report.checks.filter(({ status }) => status === 'unsure' || status === 'error').map(({ id }) => id)
      const missed = fails.filter((id) => !failed.includes(id))
      const accused = failed.filter((id) => !fails.includes(id))
      const tally = tallies.get(task) ?? { programs: 0, mistakes: 0, found: 0, accusations: 0, unsure: 0, seconds: [] }
      tallies.set(task, tally)
      tally.programs++
      tally.mistakes += fails.length
      tally.found += fails.length - missed.length
      tally.accusations += accused.length
      tally.unsure += unsure.length
      tally.seconds.push(seconds)
      const verdict = [
        ...missed.map((id) => `missed ${id}`),
        ...accused.map((id) => `wrongly told ${id}`),
        ...unsure.map((id) => `unsure ${id}`),
      ].join(', ')
      console.log(`${file.padEnd(28)} ${seconds.toFixed(1).padStart(6)} s  ${verdict === '' ? 'right' : verdict}`)
    }
  }),
)
let wrong = 0
for (const [task, { programs: count, mistakes, found, accusations, unsure, seconds }] of tallies) {
  const sorted = seconds.sort((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
  console.log(
    `${task}: ${count} programs, ${found} of ${mistakes} mistakes found, ${accusations} false accusations, ${unsure} unsure; median ${at(0.5)} s, p95 ${at(0.95)} s`,
  )
  wrong += mistakes - found + accusations
}
for (const name of missing) console.log(`left out: programs that need ${name}`)
process.exitCode = wrong === 0 ? 0 : 1
