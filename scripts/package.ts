import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { makeBinary } from './package/binary.ts'
import { bundle } from './package/bundle.ts'
import { distFolder } from './package/folders.ts'
import { NotToBeHad, WrongSum } from './package/npm-package.ts'
import { type Target, targets } from './package/targets.ts'

// npm run package [-- TARGET…]: standalone binaries in dist/, with their checksums. Ends with 69 where a Node for one
// can't be had, with 1 where it is another one than package-lock.json means.
const asked = process.argv.slice(2)
const known = targets.map(({ name }) => name)
const wrong = asked.find((name) => name !== 'all' && !known.includes(name))
if (wrong !== undefined) {
  console.error(`no target ${wrong}; there are ${known.join(', ')} and all`)
  process.exit(64)
}
const wanted = asked.includes('all')
  ? targets
  : targets.filter(({ name }) => (asked.length === 0 ? name === known[0] : asked.includes(name)))

const bundled = await bundle()
for (const target of wanted) {
  const file = await made(target)
  console.log(`${basename(file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`)
}
const sums = readdirSync(distFolder)
  .filter((name) => name.startsWith('netlab-'))
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(distFolder, name)))
        .digest('hex')}  ${name}\n`,
  )
writeFileSync(join(distFolder, 'SHA256SUMS'), sums.join(''))

async function made(target: Target): Promise<string> {
  try {
    return await makeBinary(target, bundled)
  } catch (error) {
    const exitCode = error instanceof NotToBeHad ? 69 : error instanceof WrongSum ? 1 : undefined
    if (exitCode === undefined || !(error instanceof Error)) throw error
    console.error(`${target.name}: not made, ${error.message}`)
    process.exit(exitCode)
  }
}
