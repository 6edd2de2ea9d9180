import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { getBuiltinModule } from 'node:process'
import { errorCode } from '../base/errors.ts'
import { fileLimits } from './limits.ts'

/**
 * The users file in a checkout of netlab itself is a part of the repository: an empty store. A server that is started there writes to
 * it, and nobody should commit the hashes of passwords by mistake: Git is told to take the file for unchanged. Elsewhere nothing
 * happens. `notice` hears when Git would not.
 */
export function keepOutOfGit(path: string, notice: (sentence: string) => void): void {
  const folder = dirname(resolve(path))
  if (basename(path) !== 'users.json' || !isOurCheckout(folder)) return
  // Loaded here, since no other start needs it.
  const { execFile } = getBuiltinModule('node:child_process')
  const mark = ['update-index', '--skip-worktree', '--', 'users.json']
  execFile('git', ['-C', folder, ...mark], { timeout: fileLimits.gitMs }, (error) => {
    // Without Git nobody commits anything.
    if (error !== null && errorCode(error) !== 'ENOENT')
      notice(`${path} is a part of this repository, and git will show what is registered: git ${mark.join(' ')}`)
  })
}

function isOurCheckout(folder: string): boolean {
  if (!existsSync(join(folder, '.git'))) return false
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name === 'netlab'
  } catch {
    return false
  }
}
