import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errorCode } from '../base/errors.ts'

/**
 * Makes a folder and those above it, for their owner alone (0700). Node's own `recursive` never returns where a folder is
 * there and none can be made in it, as in /proc, and calls a read-only file system ENOENT.
 * @throws the system's error.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Somebody else may have made it just now.
    if (isFolder(path)) return
    const above = dirname(path)
    if (errorCode(error) !== 'ENOENT' || above === path || isFolder(above)) throw error
    makeFolder(above)
    makeFolder(path)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
