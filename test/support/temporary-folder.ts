import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterTests } from './after-tests.ts'

/** A new empty folder, removed after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'netlab-'))
  afterTests(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
