import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from '@jest/globals'
import { accountLimits } from '../../src/accounts/limits.ts'
import { MemorySessionStore, type SessionChange, SqliteSessionStore } from '../../src/accounts/session-store.ts'
import { newToken, type SessionOwner, Sessions, tokenHash } from '../../src/accounts/sessions.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const hour = 3_600_000
const day = 24 * hour
const times = { idleMs: day, maxMs: 30 * day }
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

class CountingStore extends MemorySessionStore {
  readonly batches: (readonly SessionChange[])[] = []
  broken = false

  override async commit(changes: readonly SessionChange[]): Promise<void> {
    if (this.broken) throw new Error('the disk is full')
    this.batches.push(changes)
    await super.commit(changes)
  }
}

function owner(name: string, credential = 'first password'): SessionOwner {
  return { name, account: `id of ${name}`, credential }
}

function setUp() {
  const clock = new VirtualClock()
  const store = new CountingStore()
  const revoked: number[] = []
  const sessions = new Sessions(store, clock, times, (id) => revoked.push(id))
  return { clock, store, revoked, sessions }
}

describe('a token', () => {
  test('is 256 bits, and different each time', () => {
    const tokens = Array.from({ length: 1000 }, newToken)
    expect(new Set(tokens).size).toBe(1000)
    expect(tokens.every((token) => Buffer.from(token, 'base64url').length === 32)).toBe(true)
  })

  test.each(['', 'x', newToken().slice(1), `${newToken()}=`, ` ${newToken()}`, 'ä'.repeat(43), 'x'.repeat(10_000_000)])(
    'is refused when garbled: %#',
    (token) => {
      expect(tokenHash(token)).toBeUndefined()
      expect(setUp().sessions.resume(token)).toBe('malformed')
    },
  )
})

describe('sessions', () => {
  test('are resumed by their token, also after a restart, and the token is nowhere', async () => {
    const { clock, store, sessions } = setUp()
    const { row, token } = await sessions.create(owner('Ada'), '10.0.0.1')
    expect(sessions.resume(token)).toMatchObject({ id: row.id, user: 'Ada', address: '10.0.0.1' })
    expect(sessions.resume(newToken())).toBe('unknown')
    await sessions.close()
    expect(JSON.stringify([...store.rows])).not.toContain(token)
    const again = new Sessions(store, clock, times)
    expect(again.resume(token)).toMatchObject({ id: row.id, user: 'Ada' })
    expect((await again.create(owner('Ada'), '10.0.0.1')).row.id).toBe(row.id + 1)
  })

  test('end when not used for a day', async () => {
    const { clock, sessions } = setUp()
    const { row, token } = await sessions.create(owner('Ada'), '10.0.0.1')
    clock.advance(day - 1)
    expect(sessions.resume(token)).toMatchObject({ id: row.id })
    clock.advance(day - 1)
    expect(sessions.get(row.id)).toMatchObject({ id: row.id })
    clock.advance(day)
    expect([sessions.resume(token), sessions.get(row.id), sessions.ofAccount('id of Ada')]).not.toContainEqual(
      expect.objectContaining({ id: row.id }),
    )
  })

  test('end after thirty days however much they are used', async () => {
    const { clock, sessions } = setUp()
    const { token } = await sessions.create(owner('Ada'), '10.0.0.1')
    for (let n = 0; n < 59; n++) {
      clock.advance(12 * hour)
      expect(sessions.resume(token)).toMatchObject({ user: 'Ada' })
    }
    clock.advance(12 * hour - 1)
    expect(sessions.resume(token)).toMatchObject({ user: 'Ada' })
    clock.advance(1)
    expect(sessions.resume(token)).toBe('expired')
  })

  test('that expired are swept from memory and disk', async () => {
    const { clock, store, sessions } = setUp()
    const made = await Promise.all([sessions.create(owner('Ada'), 'a'), sessions.create(owner('Bob'), 'b')])
    clock.advance(day - 60_000)
    sessions.resume(made[0].token)
    clock.advance(60_000)
    // A sweep that is under way has first to end; then comes the next one.
    for (let sweep = 0; sweep < 3; sweep++) {
      await settle()
      clock.advance(30_000)
    }
    await settle()
    expect([sessions.size, store.rows.size]).toEqual([1, 1])
    expect(sessions.resume(made[1].token)).toBe('unknown')
  })

  test.each([
    ['two days ahead', 2],
    ['1,200 days ahead', 1_200],
    ['two days back', -2],
    ['1,200 days back', -1_200],
  ])('outlive a clock that goes %s, and comes back', async (_what, days) => {
    const { clock, store, sessions } = setUp()
    const made = await Promise.all(['Ada', 'Bob'].map((name) => sessions.create(owner(name), 'a')))
    const tokens = made.map(({ token }) => token)
    const isThere = (which: Sessions) => tokens.map((token) => typeof which.resume(token) === 'object')
    const sweep = async (): Promise<void> => {
      clock.advance(30_000)
      await settle()
    }
    clock.advance(2 * hour)
    clock.jump(days * day)
    // Of those that this process has seen it knows better.
    sessions.resume(tokens[0] ?? '')
    for (let n = 0; n < 5; n++) await sweep()
    expect(isThere(sessions)).toEqual([true, true])
    clock.jump(-days * day)
    await sweep()
    expect(isThere(sessions)).toEqual([true, true])
    // Started while the clock is wrong, a server knows nothing better, but drops nothing either.
    await sessions.close()
    clock.jump(days * day)
    const wrong = new Sessions(store, clock, times)
    expect(isThere(wrong)).toEqual(days > 30 ? [false, false] : [true, true])
    for (let n = 0; n < 5; n++) await sweep()
    clock.jump(-days * day)
    expect(isThere(wrong)).toEqual([true, true])
    await wrong.close()
    const right = new Sessions(store, clock, times)
    expect(isThere(right)).toEqual([true, true])
    clock.advance(day)
    expect(isThere(right)).toEqual([false, false])
    await right.close()
  })

  test('of a time when the clock was ahead end like others once it is right', async () => {
    const { clock, store, sessions } = setUp()
    clock.jump(1_200 * day)
    const { row, token } = await sessions.create(owner('Ada'), 'a')
    clock.jump(-1_200 * day)
    clock.advance(2 * hour)
    expect(sessions.resume(token)).toMatchObject({ usedMs: clock.now(), createdMs: clock.now() })
    await sessions.close()
    expect(store.rows.get(row.id)).toMatchObject({ usedMs: clock.now(), createdMs: clock.now() })
    const again = new Sessions(store, clock, times)
    clock.advance(day)
    expect(again.resume(token)).toBe('expired')
    await again.close()
  })

  test('are listed by account, the last used first', async () => {
    const { clock, sessions } = setUp()
    const made = []
    for (const user of ['Ada', 'Bob', 'Ada']) made.push(await sessions.create(owner(user), 'a'))
    clock.advance(1000)
    sessions.resume(made[0]?.token ?? '')
    expect(sessions.ofAccount('id of Ada').map(({ id }) => id)).toEqual([1, 3])
    expect(sessions.ofAccount('id of Cy')).toEqual([])
  })

  test('that are revoked are useless at once, and their owners hear of it', async () => {
    const { store, revoked, sessions } = setUp()
    const { row, token } = await sessions.create(owner('Ada'), 'a')
    const other = await sessions.create(owner('Ada'), 'a')
    const done = sessions.revoke([row.id, 99])
    expect([sessions.resume(token), sessions.get(row.id)]).toEqual(['unknown', undefined])
    await done
    expect(revoked).toEqual([row.id])
    expect([...store.rows.keys()]).toEqual([other.row.id])
    await sessions.clear()
    expect([sessions.size, store.rows.size, revoked]).toEqual([0, 0, [row.id, other.row.id]])
  })

  test('of one user are bounded: the one silent longest makes room', async () => {
    const { clock, revoked, sessions } = setUp()
    const first = await sessions.create(owner('Ada'), 'a')
    const second = await sessions.create(owner('Ada'), 'a')
    clock.advance(1)
    sessions.resume(first.token)
    for (let n = 2; n <= accountLimits.sessionsPerUser; n++) await sessions.create(owner('Ada'), 'a')
    expect(revoked).toEqual([second.row.id])
    expect(sessions.ofAccount('id of Ada')).toHaveLength(accountLimits.sessionsPerUser)
  })

  test('made in one turn share a transaction, and a thousand resumes cost at most one write', async () => {
    const { clock, store, sessions } = setUp()
    const made = await Promise.all(Array.from({ length: 50 }, (_, n) => sessions.create(owner(`User ${n}`), 'a')))
    expect(store.batches).toHaveLength(1)
    clock.advance(61_000)
    await settle()
    for (let n = 0; n < 1000; n++) sessions.resume(made[0]?.token ?? '')
    clock.advance(30_000)
    await settle()
    expect(store.batches.slice(1).map((batch) => batch.length)).toEqual([1])
    expect(store.rows.get(1)?.usedMs).toBe(clock.now() - 30_000)
  })

  test('that could not be kept do not exist, and what could not be ended goes on: as it is told', async () => {
    const { store, revoked, sessions } = setUp()
    const { row, token } = await sessions.create(owner('Ada'), 'a')
    store.broken = true
    await expect(sessions.create(owner('Bob'), 'a')).rejects.toThrow('the disk is full')
    await expect(sessions.revoke([row.id])).rejects.toThrow('the disk is full')
    expect(sessions.resume(token)).toMatchObject({ id: row.id })
    expect([sessions.size, store.rows.size, revoked]).toEqual([1, 1, []])
    store.broken = false
    await sessions.revoke([row.id])
    expect([sessions.resume(token), store.rows.size, revoked]).toEqual(['unknown', 0, [row.id]])
  })

  test('end with the password of their account, even if that cannot be written: it is tried again', async () => {
    const { clock, store, revoked, sessions } = setUp()
    const own = await sessions.create(owner('Ada'), 'a')
    const other = await sessions.create(owner('Ada'), 'a')
    const bob = await sessions.create(owner('Bob'), 'a')
    store.broken = true
    const done = sessions.changeCredential('id of Ada', 'second password', own.row.id)
    expect(revoked).toEqual([other.row.id])
    await expect(done).rejects.toThrow('the disk is full')
    expect(sessions.resume(other.token)).toBe('unknown')
    expect(sessions.resume(own.token)).toMatchObject({ credential: 'second password' })
    store.broken = false
    clock.advance(30_000)
    await settle()
    expect([...store.rows.values()].map(({ id, credential }) => [id, credential])).toEqual([
      [own.row.id, 'second password'],
      [bob.row.id, 'first password'],
    ])
  })

  test('that belong to nobody any more are dropped at the start, and old ones are bound', async () => {
    const { clock, store, sessions } = setUp()
    const [ada, bob, cy] = await Promise.all(['Ada', 'Bob', 'Cy'].map((name) => sessions.create(owner(name), 'a')))
    await sessions.close()
    const again = new Sessions(store, clock, times, undefined, (row) =>
      row.user === 'Bob' ? undefined : row.user === 'Cy' ? { ...row, credential: 'bound' } : row,
    )
    expect(again.resume(ada?.token ?? '')).toMatchObject({ user: 'Ada' })
    expect(again.resume(bob?.token ?? '')).toBe('unknown')
    expect(again.resume(cy?.token ?? '')).toMatchObject({ credential: 'bound' })
    await again.close()
    expect([...store.rows.values()].map(({ user, credential }) => [user, credential])).toEqual([
      ['Ada', 'first password'],
      ['Cy', 'bound'],
    ])
  })
})

const row = {
  id: 7,
  hash: 'a'.repeat(64),
  user: 'Ada "Ü"',
  account: 'abc',
  credential: 'def',
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

  test('of a database that an older netlab made are read, without an account', () => {
    const path = join(folder(), 'netlab.db')
    const old = new DatabaseSync(path)
    old.exec(`CREATE TABLE session (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user TEXT NOT NULL,
      address TEXT NOT NULL, created_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT`)
    old.exec("INSERT INTO session VALUES (3, 'aa', 'Ada', '10.0.0.1', 1, 2)")
    old.close()
    for (let start = 0; start < 2; start++) {
      const store = new SqliteSessionStore(path)
      expect(store.load()).toEqual([
        { id: 3, hash: 'aa', user: 'Ada', address: '10.0.0.1', createdMs: 1, usedMs: 2, account: '', credential: '' },
      ])
      store.close()
    }
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
    const made = await Promise.all([sessions.create(owner('Ada'), 'a'), sessions.create(owner('Bob'), 'b')])
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
