import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './executable.ts'

/** A small program under test/check/programs, whose first line says which checks it fails. */
export interface CheckProgram {
  readonly task: string
  readonly file: string
  readonly folder: string
  /** Words of `netlab check` that start it. */
  readonly words: readonly string[]
  /** What has to be there to run it. */
  readonly needs: string
  /** Ids of the checks that fail. */
  readonly fails: readonly string[]
}

const tasks: Readonly<Record<string, { readonly task: string; readonly prefix: string }>> = {
  echo: { task: 'echo-server', prefix: 'echo' },
}

/** All of them. */
export function checkPrograms(): readonly CheckProgram[] {
  return Object.entries(tasks).flatMap(([name, { task, prefix }]) => {
    const folder = join(projectRoot, 'test', 'check', 'programs', name)
    return readdirSync(folder)
      .filter((file) => /\.(py|c|js|java)$/.test(file))
      .map((file) => {
        const [head = ''] = readFileSync(join(folder, file), 'utf8').split('\n', 1)
        const fails = /fails: (.*)/.exec(head)?.[1]?.split(' ') ?? []
        const { needs, words } = started(file)
        return { task, file, folder, needs, words, fails: fails.map((id) => `${prefix}.${id}`) }
      })
  })
}

function started(file: string): { readonly needs: string; readonly words: readonly string[] } {
  switch (file.split('.').at(-1)) {
    case 'c':
      return { needs: 'cc', words: ['--build', `cc -pthread -o program ${file}`, '--cmd', './program'] }
    case 'java':
      return { needs: 'java', words: ['--cmd', `java ${file}`] }
    case 'js':
      return { needs: 'node', words: ['--cmd', `node ${file}`] }
    default:
      return { needs: 'python3', words: ['--cmd', `python3 ${file}`] }
  }
}
