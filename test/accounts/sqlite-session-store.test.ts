import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { Sessions } from '../../src/accounts/sessions.ts'
import { SqliteSessionStore } from '../../src/accounts/sqlite-session-store.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const row = {
  id: 7,
  hash: 'a'.repeat(64),
  user: 'Ada "Ü"',
  address: '10.0.0.1',
  createdMs: 1_700_000_000_000,
  usedMs: 2,
}

describe('sessions in a database', () => {
  test('are kept whole, private to the owner', async () => {
    const path = join(folder(), 'netlab.db')
    const store = new SqliteSessionStore(path)
    await store.commit([
      { kind: 'put', row: { ...row, usedMs: 1 } },
      { kind: 'put', row },
      { kind: 'put', row: { ...row, id: 8, hash: 'b'.repeat(64) } },
      { kind: 'drop', id: 8 },
    ])
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(() => new SqliteSessionStore(path)).toThrow(expect.objectContaining({ code: 'IN_USE' }))
    store.close()
    const again = new SqliteSessionStore(path)
    expect(again.load()).toEqual([row])
    await again.commit([{ kind: 'drop-all' }])
    expect(again.load()).toEqual([])
    again.close()
  })

  test('are changed all or none', async () => {
    const store = new SqliteSessionStore(join(folder(), 'netlab.db'))
    const clash = { ...row, id: 8 }
    await expect(
      store.commit([
        { kind: 'put', row },
        { kind: 'put', row: clash },
      ]),
    ).rejects.toMatchObject({ name: 'StorageError', exit: 74 })
    expect(store.load()).toEqual([])
    await store.commit([{ kind: 'put', row }])
    expect(store.load()).toEqual([row])
    store.close()
  })

  test('need a database: anything else is refused and left alone', () => {
    const path = join(folder(), 'netlab.db')
    writeFileSync(path, 'this is a text of more than a hundred characters, which is what a header has. '.repeat(3))
    const before = readFileSync(path)
    expect(() => new SqliteSessionStore(path)).toThrow(
      expect.objectContaining({ name: 'StorageError', code: 'DATABASE' }),
    )
    expect(readFileSync(path)).toEqual(before)
    expect(() => new SqliteSessionStore(folder())).toThrow(expect.objectContaining({ code: 'DATABASE' }))
  })

  test('hold no token, in none of the files', async () => {
    const path = join(folder(), 'netlab.db')
    const sessions = new Sessions(new SqliteSessionStore(path), new VirtualClock(), {
      idleMs: 1000,
      maxMs: 1000,
    })
    const made = await Promise.all([sessions.create('Ada', 'a'), sessions.create('Bob', 'b')])
    const files = readdirSync(join(path, '..')).map((file) => readFileSync(join(path, '..', file)))
    expect(files.length).toBeGreaterThan(1)
    for (const { token } of made) {
      for (const bytes of files) {
        expect(bytes.includes(token)).toBe(false)
        expect(bytes.includes(Buffer.from(token, 'base64url'))).toBe(false)
      }
    }
    await sessions.close()
  })
})
