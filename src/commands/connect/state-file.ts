import { chmodSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { withFileLock } from '../../files/file-lock.ts'
import { makeFolder } from '../../files/make-folder.ts'
import { replaceFileSync } from '../../files/replace-file.ts'

/**
 * Where a file lies that outlasts us: in `$XDG_STATE_HOME/netlab`, by default `~/.local/state/netlab` (XDG Base Directory
 * Specification, which has relative paths ignored). Undefined where no folder of the user's own is known.
 */
export function statePath(environment: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const { XDG_STATE_HOME: state = '', HOME, USERPROFILE } = environment
  if (isAbsolute(state)) return join(state, 'netlab', name)
  const home = HOME || USERPROFILE || ''
  return isAbsolute(home) ? join(home, '.local', 'state', 'netlab', name) : undefined
}

/** The file's text; '' when there is none. @throws {StorageError} */
export function readState(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ''
    throw new StorageError(errorCode(error), `cannot read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Replaces the file's text, for its owner's eyes only: 0600, in a folder of 0700. `change` gets the text, '' when there is
 * none, and returns the new one; several netlabs do so one after the other, so that each finds what the others left.
 * @throws {StorageError}, and then the old file is still there; what `change` throws.
 */
export function updateState(path: string, change: (text: string) => string): void {
  try {
    makeFolder(dirname(path))
    withFileLock(path, () => replaceFileSync(path, change(readState(path)), 0o600))
    // A folder that was there before may be open to others.
    chmodSync(dirname(path), 0o700)
  } catch (error) {
    if (error instanceof StorageError) throw error
    throw new StorageError(errorCode(error), `cannot write ${path}: ${reasonOf(error)}`, {
      hint: 'XDG_STATE_HOME may name another folder for what netlab remembers',
      cause: error,
    })
  }
}
