import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, jest, test } from '@jest/globals'
import { type Disk, FileUserStore } from '../../src/accounts/user-store.ts'
import { killWhileRegistering } from '../support/kill-store.ts'
import { temporaryFolder as folder, temporaryFolder } from '../support/temporary-folder.ts'
import { longTestMs } from '../support/timeouts.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { SlowDisk, someHash } from './support.ts'

const clock = new VirtualClock()

function open(path: string, disk?: Disk): FileUserStore {
  return new FileUserStore({ path, clock, ...(disk !== undefined && { disk }) })
}

describe('a store of users in a file', () => {
  test('keeps hosts and users over a restart, readable by its owner only', async () => {
    const path = join(folder(), 'users.json')
    const store = open(path)
    expect(await store.identify('10.0.0.1', 'Ada')).toMatchObject({ kind: 'identified', isNew: true })
    expect(await store.register('Ada', someHash())).toMatchObject({ kind: 'registered' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await store.close()

    const again = open(path)
    expect(again.host('10.0.0.1')).toEqual({ address: '10.0.0.1', name: 'Ada', since: '2023-11-14T22:13:20.000Z' })
    expect(again.user('ADA')).toMatchObject({ name: 'Ada', hash: someHash() })
    await again.close()
    expect(existsSync(`${path}.lock`)).toBe(false)
  })

  test('gives a host one name, and a name to one host', async () => {
    const store = open(join(folder(), 'users.json'))
    const answers = await Promise.all([
      store.identify('10.0.0.1', 'Ada'),
      store.identify('10.0.0.1', 'Bob'),
      store.identify('10.0.0.2', 'ADA'),
      store.identify('10.0.0.2', 'Bob'),
    ])
    expect(answers.map((answer) => (answer.kind === 'identified' ? answer.record.name : answer.kind))).toEqual([
      'Ada',
      'Ada',
      'taken',
      'Bob',
    ])
    await store.close()
  })

  test('registers a name once, whatever its case', async () => {
    const store = open(join(folder(), 'users.json'))
    const answers = await Promise.all(['Ada', 'ada', 'ＡＤＡ'].map((name) => store.register(name, someHash())))
    expect(answers.map(({ kind }) => kind)).toEqual(['registered', 'taken', 'taken'])
    await store.close()
  })

  test('bug: a name that looks like another was a second person: Ada and АДА, Ivan and lvan', async () => {
    const path = join(folder(), 'users.json')
    const store = open(path)
    // Two at once share a rewrite.
    const answers = await Promise.all(['Ivan', 'lvan'].map((name) => store.register(name, someHash())))
    expect(answers.map(({ kind }) => kind)).toEqual(['registered', 'taken'])
    expect(await store.identify('10.0.0.1', 'ACE')).toMatchObject({ kind: 'identified' })
    expect(await store.identify('10.0.0.2', 'АСЕ')).toEqual({ kind: 'taken', alike: true })
    expect(await store.register('0perator', someHash())).toEqual({ kind: 'taken', alike: true })
    await store.close()
    const again = open(path)
    expect(await again.register('lvan', someHash())).toEqual({ kind: 'taken', alike: true })
    await again.clear()
    expect(await again.register('lvan', someHash())).toMatchObject({ kind: 'registered' })
    await again.close()
  })

  test('keeps names that were registered before look-alikes were refused', async () => {
    const path = join(folder(), 'users.json')
    const since = '2024-01-01T00:00:00.000Z'
    const names = ['Ada (operator)', 'Ada', 'Аda', '\u2800', '123']
    const users = names.map((name) => ({ name, hash: someHash(), since }))
    writeFileSync(path, JSON.stringify({ version: 1, hosts: [], users }))
    const store = open(path)
    expect(await store.register('Eve', someHash())).toMatchObject({ kind: 'registered' })
    expect(names.map((name) => store.user(name)?.name)).toEqual(names)
    expect(await store.changeHash('Аda', someHash(), someHash(1))).toBe(true)
    await store.close()
    const again = open(path)
    expect(names.map((name) => again.user(name)?.name)).toEqual(names)
    await again.close()
  })

  test('a name that could not be kept is free', async () => {
    const disk = new SlowDisk()
    const store = open(join(folder(), 'users.json'), disk)
    const refused = Promise.allSettled([store.register('Ivan', someHash())])
    await disk.finish('ENOSPC')
    await refused
    const accepted = store.register('lvan', someHash())
    await disk.finish()
    expect(await accepted).toMatchObject({ kind: 'registered' })
    await store.close()
  })

  test('replaces a hash only if it still is the one that was verified', async () => {
    const store = open(join(folder(), 'users.json'))
    await store.register('Ada', someHash(1))
    expect(await store.changeHash('ada', someHash(1), someHash(2))).toBe(true)
    expect(await store.changeHash('ada', someHash(1), someHash(3))).toBe(false)
    expect(await store.changeHash('Bob', someHash(1), someHash(3))).toBe(false)
    expect(store.user('Ada')?.hash).toBe(someHash(2))
    await store.close()
  })

  test('is emptied, on disk and in memory', async () => {
    const path = join(folder(), 'users.json')
    const store = open(path)
    await Promise.all([store.register('Ada', someHash()), store.identify('10.0.0.1', 'Ada')])
    expect(await store.clear()).toBe(2)
    expect([store.user('Ada'), store.host('10.0.0.1')]).toEqual([undefined, undefined])
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ version: 1, hosts: [], users: [] })
    await store.close()
  })

  test('writes changes that come during a rewrite together, and answers only when they are on disk', async () => {
    const disk = new SlowDisk()
    const store = open(join(folder(), 'users.json'), disk)
    const answered: string[] = []
    const register = async (name: string) => {
      await store.register(name, someHash())
      answered.push(name)
    }
    const first = [register('Ada'), register('Bob')]
    await disk.finish()
    await Promise.all(first)
    const second = register('Cy')
    await Promise.resolve()
    const third = Array.from({ length: 50 }, (_, n) => register(`User ${n}`))
    expect([answered.length, store.user('Cy')]).toEqual([2, undefined])
    await disk.finish()
    await second
    await disk.finish()
    await Promise.all(third)
    expect(disk.written.map((text) => JSON.parse(text).users.length)).toEqual([2, 3, 53])
    await store.close()
  })

  test.each(['ENOSPC', 'EROFS', 'EACCES', 'EIO'])(
    'refuses a change on %s, keeps the old state, and goes on later',
    async (code) => {
      const disk = new SlowDisk()
      const store = open(join(folder(), 'users.json'), disk)
      const refused = [store.register('Ada', someHash()), store.identify('10.0.0.1', 'Ada')]
      const outcomes = Promise.allSettled(refused)
      await disk.finish(code)
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StorageError', code } })
      }
      expect([store.user('Ada'), store.host('10.0.0.1')]).toEqual([undefined, undefined])
      const accepted = store.register('Ada', someHash())
      await disk.finish()
      expect(await accepted).toMatchObject({ kind: 'registered' })
      await store.close()
    },
  )

  test('refuses a change when the folder is gone', async () => {
    const path = join(folder(), 'users.json')
    const store = open(path)
    await store.register('Ada', someHash())
    rmSync(dirname(path), { recursive: true })
    await expect(store.register('Bob', someHash())).rejects.toMatchObject({ name: 'StorageError', code: 'ENOENT' })
    expect(store.user('Bob')).toBeUndefined()
    await store.close()
  })
})

describe('at the start', () => {
  test('a folder as users file is refused with a next step', () => {
    const path = folder()
    expect(() => open(path)).toThrow(
      expect.objectContaining({ code: 'EISDIR', exit: 74, hint: expect.stringContaining('--users') }),
    )
    expect(existsSync(`${path}.lock`)).toBe(false)
  })

  test('a folder that does not exist is refused', () => {
    expect(() => open(join(folder(), 'no', 'users.json'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  test('a damaged file is refused, not changed, and not kept locked', () => {
    const path = join(folder(), 'users.json')
    writeFileSync(path, '{"version": 1,')
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'DAMAGED' }))
    expect(readFileSync(path, 'utf8')).toBe('{"version": 1,')
    expect(existsSync(`${path}.lock`)).toBe(false)
  })

  test('a second server on the same file is refused, also through a link', async () => {
    const path = join(folder(), 'users.json')
    writeFileSync(path, '{"version":1,"hosts":[],"users":[]}')
    symlinkSync(path, `${path}.link`)
    const store = open(path)
    expect(() => open(`${path}.link`)).toThrow(expect.objectContaining({ code: 'IN_USE', exit: 74 }))
    await store.close()
    const other = open(`${path}.link`)
    await other.register('Ada', someHash())
    await other.close()
    expect(readFileSync(path, 'utf8')).toContain('Ada')
  })

  test('the empty store of the repository can be read', () => {
    const text = readFileSync(new URL('../../users.json', import.meta.url), 'utf8')
    expect(text).toBe('{\n  "version": 1,\n  "hosts": [],\n  "users": []\n}\n')
  })
})

test('a file readable by everyone becomes readable by its owner only', async () => {
  const path = join(folder(), 'users.json')
  writeFileSync(path, '{"version":1,"hosts":[],"users":[]}')
  chmodSync(path, 0o644)
  const store = open(path)
  await store.register('Ada', someHash())
  await store.close()
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

jest.setTimeout(longTestMs(3))

test('a server that is killed under load loses no acknowledged registration and leaves a file that can be read', async () => {
  const path = join(temporaryFolder(), 'users.json')
  for (const [round, count] of [3, 40, 9].entries()) {
    const { acknowledged, lost } = await killWhileRegistering(path, `round ${round}`, count)
    expect(acknowledged).toBeGreaterThanOrEqual(count)
    expect(lost).toEqual([])
  }
})
