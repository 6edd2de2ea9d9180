import type * as Fs from 'node:fs'
import type * as FsPromises from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { beforeEach, expect, jest, test } from '@jest/globals'
import { temporaryFolder } from '../support/temporary-folder.ts'

// What survives a power cut depends on the order of writing, flushing and renaming: each flush is looked at while it happens.

const require = createRequire(import.meta.url)
const fs: typeof Fs = require('node:fs')
const promises: typeof FsPromises = require('node:fs/promises')

/** Called in the place of each flush, before it. */
let onFlush: () => void = () => undefined

jest.unstable_mockModule('node:fs', () => ({
  ...fs,
  fsyncSync(descriptor: number) {
    onFlush()
    fs.fsyncSync(descriptor)
  },
}))
jest.unstable_mockModule('node:fs/promises', () => ({
  ...promises,
  async open(...given: Parameters<typeof FsPromises.open>) {
    const file = await promises.open(...given)
    const sync = file.sync.bind(file)
    return Object.assign(file, {
      async sync() {
        onFlush()
        await sync()
      },
    })
  },
}))
const { createFileSync, replaceFile, replaceFileSync } = await import('../../src/files/replace-file.ts')

let path = ''
let flushes: Record<string, string>[] = []

/** The text of each file in the folder; temporary ones have random names. */
function texts(): Record<string, string> {
  const folder = dirname(path)
  const named = fs.readdirSync(folder).map((name) => {
    const text = fs.readFileSync(join(folder, name), 'utf8')
    return [name.endsWith('.tmp') ? 'temporary' : name, text]
  })
  return Object.fromEntries(named)
}

beforeEach(() => {
  path = join(temporaryFolder(), 'file')
  flushes = []
  onFlush = () => flushes.push(texts())
})

test('the whole new content is flushed before it takes the place of the old one, and the folder after that', async () => {
  fs.writeFileSync(path, 'old')
  await replaceFile(path, ['new ', 'content'])
  expect(flushes).toEqual([{ file: 'old', temporary: 'new content' }, { file: 'new content' }])
})

test('so it is with a small file, and with one that is created', () => {
  expect(createFileSync(path, 'first')).toBe(true)
  replaceFileSync(path, 'second')
  expect(flushes).toEqual([{ temporary: 'first' }, { file: 'first', temporary: 'second' }])
  expect(texts()).toEqual({ file: 'second' })
})

test('what could not be flushed takes no place', async () => {
  fs.writeFileSync(path, 'old')
  onFlush = () => {
    throw Object.assign(new Error('I/O error'), { code: 'EIO' })
  }
  await expect(replaceFile(path, ['new'])).rejects.toMatchObject({ code: 'EIO' })
  expect(() => replaceFileSync(path, 'new')).toThrow('I/O error')
  expect(texts()).toEqual({ file: 'old' })
})
