import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { fileLimits } from '../../src/files/limits.ts'
import { type FileCalls, isMountPoint, overwriteFile, wholeText } from '../../src/files/overwrite-file.ts'
import { createFileSync, replaceFile, replaceFileSync } from '../../src/files/replace-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Only root can give files away, and mount. */
const asRoot = process.geteuid?.() === 0 ? test : test.skip

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

  test('a link to what is yet to be made stays, too', async () => {
    const folder = temporaryFolder()
    symlinkSync('second', join(folder, 'first'))
    symlinkSync('file', join(folder, 'second'))
    await replace(join(folder, 'first'), 'new')
    expect(readdirSync(folder).sort()).toEqual(['file', 'first', 'second'])
    expect(lstatSync(join(folder, 'first')).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new')
  })

  asRoot('owner and group stay', async () => {
    const path = join(temporaryFolder(), 'users.json')
    writeFileSync(path, 'old')
    chownSync(path, 4_711, 4_712)
    await replace(path, 'new', 0o600)
    expect(statSync(path)).toMatchObject({ uid: 4_711, gid: 4_712 })
  })

  asRoot('a device or a FIFO is not put aside', async () => {
    const folder = temporaryFolder()
    spawnSync('mknod', [join(folder, 'null'), 'c', '1', '3'])
    spawnSync('mkfifo', [join(folder, 'fifo')])
    for (const name of ['null', 'fifo']) {
      await expect((async () => replace(join(folder, name), 'x'))()).rejects.toMatchObject({ code: 'EINVAL' })
      expect(lstatSync(join(folder, name)).isFile()).toBe(false)
    }
    expect(readdirSync(folder)).toEqual(['fifo', 'null'])
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

test.each([
  ['what a group may do is kept', 0o640, 0o640],
  ['or take away', 0o400, 0o400],
  ['that everybody may read a secret is not', 0o644, 0o600],
])('%s: %#', async (_what, before, after) => {
  const path = join(temporaryFolder(), 'users.json')
  writeFileSync(path, 'old')
  chmodSync(path, before)
  await replaceFile(path, ['new'], 0o600)
  expect(statSync(path).mode & 0o777).toBe(after)
  await replaceFile(path, ['report'])
  expect(statSync(path).mode & 0o777).toBe(after)
})

/** That user 4711 may read it, as Linux keeps that: version 2, then tag, permissions and id of each entry (linux/posix_acl_xattr.h). */
const list = Buffer.from(
  '0200000001000600ffffffff020004006712000004000000ffffffff10000400ffffffff20000000ffffffff',
  'hex',
)

test('an access list stays', async () => {
  const koffi = (await import('koffi')).default
  const libc = koffi.load('libc.so.6')
  const get = libc.func('intptr_t getxattr(const char *, const char *, void *, size_t)')
  const set = libc.func('int setxattr(const char *, const char *, const void *, size_t, int)')
  const name = 'system.posix_acl_access'
  const path = join(temporaryFolder(), 'users.json')
  writeFileSync(path, 'old', { mode: 0o600 })
  // On a file system without them there is nothing to keep.
  if (set(path, name, list, list.length, 0) !== 0) return
  await replaceFile(path, ['new'], 0o600)
  const kept = Buffer.alloc(200)
  expect(get(path, name, kept, kept.length)).toBe(list.length)
  expect(kept.subarray(0, list.length)).toEqual(list)
  expect(readFileSync(path, 'utf8')).toBe('new')
})

describe('a file that can not be replaced', () => {
  test('has the old content or the new one, wherever writing in place breaks off, and however often', () => {
    const content = fc.stringMatching(/^[^-]*$/).map((text) => `${text}ä\n`)
    fc.assert(
      fc.property(
        content,
        fc.array(fc.tuple(content, fc.nat({ max: 700 })), { minLength: 1, maxLength: 5 }),
        (first, rest) => {
          const path = join(temporaryFolder(), 'users.json')
          writeFileSync(path, first)
          let current = first
          for (const [next, bytes] of rest) {
            let left = bytes
            let broken = false
            const step = (cost: number): void => {
              left -= cost
              broken ||= left < 0
              if (broken) throw new Error('killed')
            }
            const calls: FileCalls = {
              write(file, data, position) {
                const taken = Math.min(data.length, Math.max(0, left))
                if (taken > 0 && !broken) writeSync(file, data, 0, taken, position)
                step(data.length)
              },
              sync: () => step(1),
              truncate(file, length) {
                step(1)
                ftruncateSync(file, length)
              },
            }
            try {
              overwriteFile(path, Buffer.from(next), undefined, calls)
            } catch {
              // What a killed process leaves.
            }
            const found = wholeText(readFileSync(path, 'utf8'))
            expect([current.trimEnd(), next.trimEnd()]).toContain(found.trimEnd())
            if (!broken) expect(readFileSync(path, 'utf8')).toBe(next)
            current = found
          }
          overwriteFile(path, Buffer.from('at last'))
          expect(readFileSync(path, 'utf8')).toBe('at last')
        },
      ),
    )
  })

  test('a full disk leaves it as it was', () => {
    const path = join(temporaryFolder(), 'users.json')
    writeFileSync(path, 'old')
    const full: FileCalls = {
      write(file, data, position) {
        writeSync(file, data, 0, 9, position)
        throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      },
      sync: () => undefined,
      truncate: ftruncateSync,
    }
    expect(() => overwriteFile(path, Buffer.from('new and longer'), undefined, full)).toThrow('full')
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  asRoot('a mount of its own is written in place, by both ways, and known for one', () => {
    const folder = temporaryFolder()
    const [inside, outside] = [join(folder, 'users and more.json'), join(folder, 'outside')]
    writeFileSync(outside, 'old', { mode: 0o640 })
    writeFileSync(inside, '')
    const module = (name: string) => JSON.stringify(new URL(`../../src/files/${name}.ts`, import.meta.url))
    const program = `
      const { replaceFile, replaceFileSync } = await import(${module('replace-file')})
      const { isMountPoint } = await import(${module('overwrite-file')})
      const path = ${JSON.stringify(inside)}
      replaceFileSync(path, 'one', 0o600)
      await replaceFile(path, ['one', ' and two'], 0o600)
      console.log(isMountPoint(path), isMountPoint(${JSON.stringify(outside)}))`
    const mount = 'mount --bind "$1" "$2" && exec "$3" --input-type=module -e "$4"'
    const done = spawnSync('unshare', ['-m', 'sh', '-c', mount, 'sh', outside, inside, process.execPath, program], {
      encoding: 'utf8',
    })
    expect([done.stdout, done.stderr]).toEqual(['true false\n', ''])
    expect(readFileSync(outside, 'utf8')).toBe('one and two')
    expect(statSync(outside).mode & 0o777).toBe(0o640)
    expect(readdirSync(folder).sort()).toEqual(['outside', 'users and more.json'])
    expect(isMountPoint(inside)).toBe(false)
  })
})
