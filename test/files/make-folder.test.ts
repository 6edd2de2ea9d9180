import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { makeFolder } from '../../src/files/make-folder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('a folder is made', () => {
  test('with those above it, for their owner alone', () => {
    const path = join(temporaryFolder(), 'a', 'b', 'c')
    makeFolder(path)
    makeFolder(path)
    expect(statSync(path).isDirectory()).toBe(true)
    expect(statSync(join(path, '..')).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o700)
  })

  test('but not where a file is in the way', () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    expect(() => makeFolder(file)).toThrow('EEXIST')
    expect(() => makeFolder(join(file, 'a', 'b'))).toThrow('ENOTDIR')
    expect(existsSync(join(file, 'a'))).toBe(false)
  })
})
