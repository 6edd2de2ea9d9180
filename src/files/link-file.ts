import { linkSync } from 'node:fs'
import { errorCode } from '../base/errors.ts'

/** What a system says whose file system has no hard links (exFAT). */
const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Gives a file a second name, which appears with all that is in the file: of several processes that want the same name, one
 * gets it. `impossible` where the file system has no hard links. @throws the system's error
 */
export function linkFile(from: string, to: string): 'linked' | 'taken' | 'impossible' {
  try {
    linkSync(from, to)
    return 'linked'
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'taken'
    if (withoutLinks.has(errorCode(error))) return 'impossible'
    throw error
  }
}
