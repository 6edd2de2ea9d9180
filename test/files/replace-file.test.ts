import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fileLimits } from '../../src/files/limits.ts'
import { createFileSync, replaceFile, replaceFileSync } from '../../src/files/replace-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ways = [
  ['at once', async (path: string, text: string, mode?: number) => replaceFileSync(path, text, mode)],
  ['piece by piece', (path: string, text: string, mode?: number) => replaceFile(path, text, mode)],
] as const

describe.each(ways)('%s', (_way, replace) => {
  test('a file is made, and replaced, and nothing else stays', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'report.json')
    await replace(path, 'old')
    await replace(path, 'new and longer')
    expect(readFileSync(path, 'utf8')).toBe('new and longer')
    expect(readdirSync(folder)).toEqual(['report.json'])
  })

  test('it has the mode that was asked for', async () => {
    const path = join(temporaryFolder(), 'secret')
    writeFileSync(path, 'open to all', { mode: 0o644 })
    await replace(path, 'closed', 0o600)
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('a link stays, and the file behind it is replaced', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), 'old')
    symlinkSync(join(folder, 'file'), join(folder, 'link'))
    await replace(join(folder, 'link'), 'new')
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new')
  })

  test('a name may be as long as the system lets it be', async () => {
    const folder = temporaryFolder()
    const name = 'ä'.repeat(127)
    await replace(join(folder, name), 'text')
    expect(readdirSync(folder)).toEqual([name])
  })

  test('what can not take its place leaves nothing behind', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'taken'))
    writeFileSync(join(folder, 'taken', 'inside'), '')
    await expect((async () => replace(join(folder, 'taken'), 'text'))()).rejects.toMatchObject({
      code: expect.stringMatching(/^E/),
    })
    expect(readdirSync(folder)).toEqual(['taken'])
  })

  test('what a killed process left is removed, and what another one is writing is not', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'users.json')
    const [old, young] = [crypto.randomUUID(), crypto.randomUUID()].map((id) => `.users.json.${id}.tmp`)
    const others = [`.other.json.${crypto.randomUUID()}.tmp`, '.users.json.mine.tmp', 'users.json.bak']
    const seconds = Date.now() / 1000
    for (const name of [old, young, ...others]) writeFileSync(join(folder, String(name)), '')
    for (const name of [old, ...others]) {
      const then = seconds - (2 * fileLimits.abandonedMs) / 1000
      utimesSync(join(folder, String(name)), then, then)
    }
    await replace(path, 'text')
    expect(readdirSync(folder).sort()).toEqual([young, ...others, 'users.json'].sort())
  })
})

test('an error in the middle keeps the old file', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'file')
  writeFileSync(path, 'old')
  function* pieces() {
    yield 'half of '
    throw new Error('no more')
  }
  await expect(replaceFile(path, pieces())).rejects.toThrow('no more')
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['file'])
})

test('a file is created once, as a whole, and who comes later is told', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'key')
  expect(createFileSync(path, 'first', 0o600)).toBe(true)
  expect(createFileSync(path, 'second')).toBe(false)
  expect(readFileSync(path, 'utf8')).toBe('first')
  expect(readdirSync(folder)).toEqual(['key'])
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(() => createFileSync(join(path, 'below'), 'text')).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
})
