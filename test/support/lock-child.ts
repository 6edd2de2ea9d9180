import { errorMessage } from '../../src/base/errors.ts'
import { ownFile } from '../../src/files/file-lock.ts'

/** Owns a file until its standard input ends, and tells whether it could. */
try {
  const lock = ownFile(process.argv[2] ?? '', '--users')
  process.stdin.on('end', () => lock.release()).resume()
  process.stdout.write('locked\n')
} catch (error) {
  process.stdout.write(`${errorMessage(error)}\n`)
}
