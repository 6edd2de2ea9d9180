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
    const { keepCompiled } = await import('./compile-cache.ts')
    keepCompiled()
    // First of all: what is interrupted while the rest is loaded shall end as any other time, with its answer.
    const { processSignal } = await import('./signals.ts')
    const signal = processSignal()
    const { prepareThreads } = await import('./prepare.ts')
    prepareThreads(argv)
    const { startThread } = await import('./threads.ts')
    const { main } = await import('./main.ts')
    await main(argv, startThread, signal)
  }
}

// No top-level await: the standalone binary runs this as CommonJS.
void start(process.argv.slice(2))
