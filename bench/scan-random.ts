// The pacing of the scan against random networks, in virtual time: `npm run bench:scan:random -- [seed] [count] [threads]` scans those of
// the seeds from `seed` on. What is drawn, and how often, is in bench/scan/random-network.ts; the ideal is in bench/scan/ideal.ts.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { median, table } from './measure.ts'
import type { RandomOutcome } from './scan/random-thread.ts'

const [seed = 1, count = 200, threads = availableParallelism()] = process.argv.slice(2).map(Number)
if (![seed, count, threads].every((number) => Number.isSafeInteger(number) && number > 0)) {
  process.stderr.write('usage: npm run bench:scan:random -- [seed] [count] [threads]\n')
  process.exit(64)
}

const startedMs = performance.now()
const outcomes: RandomOutcome[] = []
let next = seed
await Promise.all(Array.from({ length: threads }, runThread))
outcomes.sort((a, b) => a.seed - b.seed)

async function runThread(): Promise<void> {
  const thread = new Worker(new URL('./scan/random-thread.ts', import.meta.url))
  while (next < seed + count) {
    thread.postMessage(next++)
    const [outcome] = await once(thread, 'message')
    outcomes.push(outcome)
  }
  await thread.terminate()
}

const sum = (of: (outcome: RandomOutcome) => number): number => outcomes.reduce((total, one) => total + of(one), 0)
const share = (part: number, whole: number): string => `${part} of ${whole} (${((100 * part) / whole).toFixed(2)} %)`
const wrong = outcomes.filter(({ complete, missed }) => complete && missed > 0)
const doubtful = outcomes.filter(({ complete, missed }) => !complete && missed === 0)
const ratios = outcomes.map(({ seconds, idealSeconds }) => seconds / idealSeconds)
const isLate = ({ seconds, idealSeconds }: RandomOutcome): boolean => seconds > 3 * idealSeconds + 10
const late = outcomes.filter(isLate)
const seeds = (of: readonly RandomOutcome[]): string => of.map((one) => one.seed).join(' ')
const quantile = (at: number): string =>
  (ratios.toSorted((a, b) => a - b)[Math.min(ratios.length - 1, Math.floor(ratios.length * at))] ?? 0).toFixed(2)

const missed = sum((one) => one.missed)
process.stdout.write(
  `${table([
    [`${count} random networks, seeds from ${seed}`, ''],
    ['complete, yet something missed', share(wrong.length, count)],
    ['incomplete, yet nothing missed', share(doubtful.length, count)],
    [
      'incomplete, and something missed',
      share(outcomes.filter((one) => !one.complete && one.missed > 0).length, count),
    ],
    [
      'open ports missed',
      share(
        missed,
        sum((one) => one.open),
      ),
    ],
    ['of those, on hosts that went away for good', String(sum((one) => one.gone))],
    ['expected to be missed', sum((one) => one.expectedMissed).toFixed(2)],
    [
      'missed where complete was said, and expected',
      `${sum((one) => (one.complete ? one.missed : 0))}, ${sum((one) => (one.complete ? one.expectedMissed : 0)).toFixed(2)}`,
    ],
    ['time against the ideal, median', `${median(ratios).toFixed(2)} x`],
    ['90th, 99th percentile', `${quantile(0.9)} x, ${quantile(0.99)} x`],
    ['longer than 3 x the ideal and 10 s', share(late.length, count)],
    ['longest', `${Math.max(...outcomes.map((one) => one.seconds)).toFixed(1)} s`],
    ['not ended within 600 s', share(outcomes.filter((one) => !one.ended).length, count)],
    ['probes simulated', `${sum((one) => one.probes)} in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`],
  ])}\n`,
)
if (wrong.length > 0) process.stdout.write(`wrongly complete: ${seeds(wrong)}\n`)
if (doubtful.length > 0) process.stdout.write(`needlessly incomplete: ${seeds(doubtful)}\n`)
if (late.length > 0)
  process.stdout.write(
    `late: ${late.map((one) => `${one.seed} (${one.seconds.toFixed(1)} s, ideal ${one.idealSeconds.toFixed(1)} s)`).join(' ')}\n`,
  )
