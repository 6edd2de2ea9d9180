import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { distFolder, root } from './package/folders.ts'

// npm run test:standalone: makes the binary for this machine, then runs the journeys on it instead of the sources, also those
// between machines and with strangers, with no Node on PATH. Where no binary can be made it says so and ends well.
const target = `${process.platform}-${process.arch}`
const packaged = spawnSync(process.execPath, [join(root, 'scripts', 'package.ts'), target], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
if (packaged.status !== 0) {
  // No target of ours, or nothing to make it of; npm has said why.
  const impossible = packaged.status === 64 || packaged.status === 69
  if (impossible) console.log(`standalone: not tested, no binary for ${target} can be made here`)
  process.exit(impossible ? 0 : 1)
}

const place = mkdtempSync(join(tmpdir(), 'netlab-standalone-'))
try {
  const { status } = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      'test/journeys',
      'test/between-machines',
      'test/strangers',
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: pathWithoutNode(), NETLAB_EXECUTABLE: join(distFolder, `netlab-${target}`) },
    },
  )
  process.exitCode = status ?? 1
} finally {
  rmSync(place, { recursive: true, force: true })
}

/** One folder with links to everything that PATH offers but Node and its companions. */
function pathWithoutNode(): string {
  const folder = join(place, 'path')
  mkdirSync(folder)
  const seen = new Set<string>()
  for (const from of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of list(from)) {
      if (seen.has(name) || /^(node|nodejs|npm|npx|corepack)$/.test(name)) continue
      seen.add(name)
      symlinkSync(join(from, name), join(folder, name))
    }
  }
  return folder
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
