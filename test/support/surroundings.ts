import { afterTests } from './after-tests.ts'
import { executable } from './executable.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface Surroundings {
  /** Added to an environment that has nothing of the caller's but PATH; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A temporary folder when not given: netlab writes its logs where it stands. */
  readonly cwd?: string
  /** Another program than netlab, for comparison and for the tests of this folder. */
  readonly program?: string
}

/** Environment and folder for a child. */
export function surroundings({ env, cwd, program }: Surroundings) {
  const all: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    ...env,
  }
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { program: program ?? executable, env: Object.fromEntries(given), cwd: cwd ?? temporaryFolder() }
}

/**
 * Sees to it that a child does not outlive the tests of this file.
 * @param ended settles at the child's end, however it came.
 */
export function guard(kill: () => void, ended: Promise<unknown>): void {
  running.add(kill)
  const settled = ended.then(
    () => running.delete(kill),
    () => running.delete(kill),
  )
  afterTests(() => {
    if (running.has(kill)) kill()
    return settled
  })
}

const running = new Set<() => void>()
process.once('exit', () => {
  for (const kill of running) kill()
})
