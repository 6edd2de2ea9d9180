import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './package/folders.ts'

// npm run fuzz [-- RUNS [SEED]]: every test file with a property; those that name no number of their own are tried RUNS
// times. The same seed tries the same.
const [runs = '20000', seed = String(randomInt(2 ** 31))] = process.argv.slice(2)
const tests = join(root, 'test')
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && /from 'fast-check'/.test(readFileSync(join(tests, file), 'utf8')))
  .map((file) => join(tests, file))

const again = `npm run fuzz -- ${runs} ${seed}`
console.log(`seed ${seed}, ${runs} runs of each property in ${files.length} files; the same once more: ${again}`)
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    ...files,
    '--testTimeout=3600000',
    // Takes all words that follow it, so it comes last.
    `--setupFiles=${join(tests, 'fuzz', 'seed.ts')}`,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, FUZZ_RUNS: runs, FUZZ_SEED: seed } },
)
if (status !== 0) console.log(`seed ${seed}; the same once more: ${again}`)
process.exitCode = status ?? 1
