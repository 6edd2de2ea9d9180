import { mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { keepOutputQuiet } from './output.ts'

/** The command line of netlab. What is asked most is answered here, before anything else is loaded. */
async function start(argv: readonly string[]): Promise<void> {
  keepOutputQuiet()
  if (argv[0] === '--version' || argv[0] === '-V') {
    const { version } = await import('../base/version.ts')
    process.stdout.write(`netlab ${version}\n`)
  } else if (argv[0] === '--help' || argv[0] === '-h') {
    const { commands } = await import('../commands/index.ts')
    const { groupHelp } = await import('./help.ts')
    process.stdout.write(groupHelp([], commands, process.stdout.columns))
  } else {
    keepCompiled()
    // First of all: what is interrupted while the rest is loaded shall end as any other time, with its answer.
    const { processSignals } = await import('./signals.ts')
    const signals = processSignals()
    const { prewarmThreads } = await import('./prewarm.ts')
    prewarmThreads(argv)
    const { startThread } = await import('./threads.ts')
    const { main } = await import('./main.ts')
    await main(argv, startThread, signals)
  }
}

/**
 * Keeps what Node makes of our sources in node_modules/.cache, for this process and (through the environment) its
 * threads: a thread then starts twice as fast. bin/netlab does the same before Node starts; the standalone binary has no
 * sources and needs none of it.
 */
function keepCompiled(): void {
  if (!import.meta.url.endsWith('.ts') || process.env.NODE_COMPILE_CACHE !== undefined) return
  const folder = fileURLToPath(new URL('../../node_modules/.cache/netlab', import.meta.url))
  try {
    // Node would make it for everyone under a wide umask, and run what they put there.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch {
    // Then nothing is kept.
  }
  enableCompileCache(folder)
  process.env.NODE_COMPILE_CACHE = folder
}

// No top-level await: the standalone binary runs this as CommonJS.
void start(process.argv.slice(2))
