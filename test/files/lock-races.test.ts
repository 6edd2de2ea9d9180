import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, jest, test } from '@jest/globals'
import type { FileLock } from '../../src/files/file-lock.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// What others do to a lock file between two steps of ours.

type Step = 'open' | 'begin'

/** Run once, before the next such step. */
let meanwhile: { readonly step: Step; run(): void } | undefined

function reach(step: Step): void {
  if (meanwhile?.step !== step) return
  const { run } = meanwhile
  meanwhile = undefined
  run()
}

class WatchedDatabase extends DatabaseSync {
  constructor(...given: ConstructorParameters<typeof DatabaseSync>) {
    reach('open')
    super(...given)
  }

  override exec(sql: string): void {
    reach('begin')
    super.exec(sql)
  }
}

jest.unstable_mockModule('node:process', () => ({
  pid: process.pid,
  getBuiltinModule: () => ({ DatabaseSync: WatchedDatabase }),
}))
const { tryFileLock } = await import('../../src/files/file-lock.ts')

afterEach(() => {
  meanwhile = undefined
})

test('a lock file that its holder removes before it is open is made anew', () => {
  const path = join(temporaryFolder(), 'file')
  const holder = tryFileLock(path)
  meanwhile = { step: 'open', run: () => holder?.release() }
  const lock = tryFileLock(path)
  expect(lock).toBeDefined()
  expect(tryFileLock(path)).toBeUndefined()
  lock?.release()
})

test('the lock of a file that its holder removed once it was open counts for nothing', () => {
  const path = join(temporaryFolder(), 'file')
  const holder = tryFileLock(path)
  let next: FileLock | undefined
  const run = (): void => {
    holder?.release()
    next = tryFileLock(path)
  }
  meanwhile = { step: 'begin', run }
  expect(tryFileLock(path)).toBeUndefined()
  expect(next).toBeDefined()
  next?.release()
  expect(existsSync(`${path}.lock`)).toBe(false)
})
