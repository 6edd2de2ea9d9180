import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from '@jest/globals'
import type { SessionGranted } from '../../src/accounts/accounts.ts'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import { turnUntil } from '../support/event-loop.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'
import { ada, address, settle, setUp, welcome } from './opened-accounts.ts'
import { SlowDisk } from './support.ts'

describe('registering and logging in', () => {
  test('an unknown name registers, a known one logs in, whatever its case, over a restart', async () => {
    const first = await setUp()
    expect(await first.accounts.login(ada)).toMatchObject({ kind: 'wrong', delayedMs: 0 })
    expect(welcome(await first.accounts.register(ada)).session).toMatchObject({ user: 'Ada', address })
    await first.accounts.close()

    const { accounts } = await setUp({ path: first.path })
    const { session, token } = welcome(await accounts.login({ ...ada, name: 'ADA' }))
    expect(session).toMatchObject({ user: 'Ada', expiresMs: session.createdMs + accountLimits.sessionIdleMs })
    expect(await accounts.resume({ token })).toMatchObject({ kind: 'welcome', session: { id: session.id } })
    expect(await accounts.login({ ...ada, password: 'wrong horse' })).toMatchObject({ kind: 'wrong' })
    await accounts.close()
  })

  test.each([
    [{ name: '' }, { kind: 'bad-name', why: 'empty' }],
    [{ name: '\u001b[2J' }, { kind: 'bad-name', why: 'control' }],
    [{ name: 'x'.repeat(10_000_000) }, { kind: 'bad-name', why: 'long' }],
    [{ password: 'short' }, { kind: 'bad-password', why: 'short' }],
    [{ password: 'x'.repeat(10_000_000) }, { kind: 'bad-password', why: 'long' }],
    [{ password: 'password' }, { kind: 'bad-password', why: 'common' }],
    [{ name: 'Correct Horse' }, { kind: 'bad-password', why: 'name' }],
  ])('%# a bad name or password is refused without a hash', async (change, outcome) => {
    const { accounts, hasher } = await setUp()
    hasher.hashed = 0
    expect(await accounts.register({ ...ada, ...change })).toEqual(outcome)
    expect(hasher.hashed).toBe(0)
    await accounts.close()
  })

  test('a name is registered once, also at once', async () => {
    const { accounts } = await setUp()
    const outcomes = await Promise.all([ada, { ...ada, name: 'ada' }].map((one) => accounts.register(one)))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['welcome', 'taken'])
    expect(await accounts.register(ada)).toEqual({ kind: 'taken' })
    await accounts.close()
  })

  test('an unknown name costs a hash with the same parameters, and gets the same answer', async () => {
    const { accounts, hasher } = await setUp()
    await accounts.register(ada)
    const wrong = await accounts.login({ ...ada, password: 'wrong horse' })
    const unknown = await accounts.login({ ...ada, name: 'Bob' })
    expect({ ...wrong, account: undefined }).toEqual({ ...unknown, account: undefined })
    expect(hasher.verified).toHaveLength(2)
    const parameters = hasher.verified.map((hash) => hash.split('$').slice(0, 4))
    expect(parameters[0]).toEqual(parameters[1])
    await accounts.close()
  })

  test('a hash of old parameters is renewed at login, and only then', async () => {
    const first = await setUp()
    await first.accounts.register(ada)
    await first.accounts.close()
    const { accounts, path, hasher } = await setUp({
      path: first.path,
      hasher: argon2Hasher({ memoryKib: 128, passes: 1, lanes: 1 }),
    })
    hasher.hashed = 0
    const outcomes = await Promise.all([accounts.login(ada), accounts.login(ada)])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['welcome', 'welcome'])
    expect(readFileSync(join(path, 'users.json'), 'utf8')).toContain('$m=128,t=1,p=1$')
    const before = hasher.hashed
    welcome(await accounts.login(ada))
    expect(hasher.hashed).toBe(before)
    await accounts.close()
  })

  test('a disk that is full refuses the registration, says so to the operator, and nobody is registered', async () => {
    const disk = new SlowDisk()
    const { accounts, events } = await setUp({ disk })
    const refused = accounts.register(ada)
    await turnUntil(() => disk.pending > 0, 'the write')
    await disk.finish('ENOSPC')
    expect(await refused).toEqual({ kind: 'storage' })
    expect(events).toEqual([{ type: 'fault', where: 'accounts', error: expect.stringContaining('no space is left') }])
    expect(await accounts.login(ada)).toMatchObject({ kind: 'wrong' })
    await accounts.close()
  })
})

describe('guessing', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.6', false],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['2001:db8::1', '2001:db8::ffff', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
  ])('from %s makes %s wait: %s', async (guesser, other, waits) => {
    const { accounts, clock } = await setUp()
    for (let n = 0; n < 6; n++) await accounts.register({ ...ada, name: `User ${n}`, address: `198.51.100.${n}` })
    for (let n = 0; n < 5; n++) {
      const guess = { name: `User ${n}`, password: 'wrong horse', address: guesser }
      expect(await accounts.login(guess)).toMatchObject({ kind: 'wrong', delayedMs: 0 })
    }
    const login = accounts.login({ ...ada, name: 'User 5', address: other, failures: 2 })
    if (waits) {
      await settle()
      clock.advance(3000)
    }
    expect(await login).toMatchObject({ kind: 'welcome', delayedMs: waits ? 3000 : 0 })
    await accounts.close()
  })

  test('at one account from everywhere: its owner is let in first where they were before, also by the next server', async () => {
    const first = await setUp()
    await first.accounts.register(ada)
    await first.accounts.close()
    const { accounts, clock, path } = await setUp({ path: first.path })
    const leaving = new AbortController()
    let tested = 0
    const guesses = Array.from({ length: 20 }, async (_, n) => {
      await accounts.login({ ...ada, password: 'wrong horse', address: `198.51.100.${n}` }, leaving.signal)
      tested++
    })
    await turnUntil(() => tested === 4, 'four tests')
    const login = accounts.login(ada)
    await settle()
    clock.advance(2000)
    expect(await login).toMatchObject({ kind: 'welcome', delayedMs: 2000, delayedBy: 'account' })
    // Where it is kept nobody reads from where somebody logged in.
    const database = new DatabaseSync(join(path, 'netlab.db'))
    expect(database.prepare('SELECT * FROM known_source').all()).toEqual([
      {
        account: expect.stringMatching(/^[\w-]{12}$/),
        source: expect.stringMatching(/^[\w-]{22}$/),
        used_ms: expect.any(Number),
      },
    ])
    database.close()
    leaving.abort()
    await Promise.all(guesses)
    await accounts.close()
  })

  test('a wait that its client does not sit out ends', async () => {
    const { accounts } = await setUp()
    await accounts.register(ada)
    for (let n = 0; n < 3; n++) await accounts.login({ ...ada, password: 'wrong horse' })
    const leaving = new AbortController()
    const left = accounts.login(ada, leaving.signal)
    leaving.abort()
    expect(await left).toEqual({ kind: 'left' })
    await accounts.close()
  })

  test('of a thousand at once: three are tested, and the others wait their turn', async () => {
    const { accounts, hasher, clock } = await setUp()
    await accounts.register(ada)
    hasher.verified = []
    const leaving = new AbortController()
    const guesses = Array.from({ length: 1000 }, (_, n) =>
      accounts.login({ ...ada, password: `wrong horse ${n}` }, leaving.signal),
    )
    await turnUntil(() => hasher.verified.length === 3, 'three tests')
    await settle()
    expect(hasher.verified).toHaveLength(3)
    for (let seconds = 0; seconds < 60; seconds++) {
      clock.advance(1000)
      await settle()
    }
    expect(hasher.verified.length).toBeLessThanOrEqual(10)
    leaving.abort()
    const kinds = (await Promise.all(guesses)).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'left').length).toBeGreaterThanOrEqual(990)
    await accounts.close()
  })

  test('forgets where an owner was before with a new password, but for where it was set', async () => {
    const { accounts, clock } = await setUp()
    const { session } = welcome(await accounts.register(ada))
    welcome(await accounts.login({ ...ada, address: '198.51.100.99' }))
    const change = { session: session.id, old: ada.password, new: 'battery staple', address }
    expect(await accounts.changePassword(change)).toMatchObject({ kind: 'changed' })
    const wait = async (from: string): Promise<number | undefined> => {
      const outcome = await accounts.login({ ...ada, password: 'battery staple', address: from })
      return 'delayedMs' in outcome ? outcome.delayedMs : undefined
    }
    const guess = (n: number) => accounts.login({ ...ada, address: `203.0.113.${n}` })
    for (let n = 0; n < 4; n++) await guess(n)
    // It waits for the account's next token; the stranger came last, and would go first of equal ones.
    const waits = [wait(address), wait('198.51.100.99')]
    const order: number[] = []
    for (const [index, one] of waits.entries()) void one.then(() => order.push(index))
    for (let n = 0; n < 4; n++) {
      await settle()
      clock.advance(1000)
    }
    await turnUntil(() => order.length === 2, 'both logins')
    expect(order).toEqual([0, 1])
    await accounts.close()
  })
})

describe('registering', () => {
  test('is refused to everybody where it is closed, whatever they send, and tells nobody which names exist', async () => {
    const open = await setUp()
    await open.accounts.register(ada)
    await open.accounts.close()
    const { accounts, hasher } = await setUp({ path: open.path, registration: { mode: 'closed' } })
    for (const name of ['Ada', 'Bob', 'exit'])
      expect(await accounts.register({ ...ada, name })).toEqual({ kind: 'closed' })
    expect(hasher.hashed).toBe(0)
    welcome(await accounts.login(ada))
    await accounts.close()
  })

  test('needs the code where there is one, in any case and with any spaces', async () => {
    const { accounts } = await setUp({ registration: { mode: 'code', code: 'Blue Tiger 42' } })
    expect(await accounts.register(ada)).toEqual({ kind: 'bad-code', why: 'missing' })
    expect(await accounts.register({ ...ada, code: 'blue tiger' })).toEqual({ kind: 'bad-code', why: 'wrong' })
    welcome(await accounts.register({ ...ada, code: ' blue tiger42' }))
    // Without the code nobody learns that the name is taken.
    expect(await accounts.register(ada)).toEqual({ kind: 'bad-code', why: 'missing' })
    await accounts.close()
  })

  test('by guesses at the code is slowed down', async () => {
    const { accounts, clock } = await setUp({ registration: { mode: 'code', code: 'blue tiger 42' } })
    const guesses = Array.from({ length: 30 }, (_, n) => accounts.register({ ...ada, code: `guess ${n} tiger` }))
    let answered = 0
    for (const guess of guesses) void guess.then(() => answered++)
    await settle()
    expect(answered).toBe(20)
    const right = accounts.register({ ...ada, code: 'blue tiger 42' })
    for (let n = 0; n < 15; n++) {
      await settle()
      clock.advance(2000)
    }
    welcome(await right)
    await Promise.all(guesses)
    await accounts.close()
  })
})

test('a thousand logins at once with the right password all succeed, one after the other', async () => {
  const { accounts, hasher } = await setUp()
  await accounts.register(ada)
  const gate = Promise.withResolvers<void>()
  hasher.gate = gate.promise
  const leaving = new AbortController()
  const logins = Array.from({ length: 1000 }, (_, n) => accounts.login(ada, n === 5 ? leaving.signal : undefined))
  leaving.abort()
  expect(await logins[5]).toEqual({ kind: 'left' })
  const late = accounts.login(ada)
  gate.resolve()
  const kinds = (await Promise.all([...logins, late])).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'welcome')).toHaveLength(1000)
  expect(kinds[1000]).toBe('welcome')
  await accounts.close()
})

test('hosts: two first visits from one address keep one name; mapped addresses are IPv4', async () => {
  const { accounts } = await setUp()
  const visits = [
    { address: '::ffff:192.0.2.7', name: 'Ada' },
    { address: '192.0.2.7', name: 'Bob' },
  ]
  expect(await Promise.all(visits.map((visit) => accounts.identify(visit)))).toEqual([
    { kind: 'identified', name: 'Ada', isNew: true },
    { kind: 'identified', name: 'Ada', isNew: false },
  ])
  expect(await accounts.nameOf({ address: '::FFFF:c000:0207' })).toEqual({ kind: 'host', name: 'Ada' })
  expect(await accounts.identify({ address: '192.0.2.8', name: 'ADA' })).toEqual({ kind: 'taken' })
  expect(await accounts.identify({ address: '192.0.2.8', name: 'a\u202eda' })).toEqual({
    kind: 'bad-name',
    why: 'control',
  })
  await accounts.close()
})

test('no password and no token is anywhere on disk', async () => {
  const { accounts, path, events } = await setUp()
  const { token, session } = welcome(await accounts.register(ada))
  await accounts.changePassword({ session: session.id, old: ada.password, new: 'battery staple', address })
  const secrets = [
    token,
    ((await accounts.login({ ...ada, password: 'battery staple' })) as SessionGranted).token ?? '?',
  ]
  secrets.push(ada.password, 'battery staple', Buffer.from(token, 'base64url').toString('latin1'))
  const written = readdirSync(path).map((file) => readFileSync(join(path, file), 'latin1'))
  expect(written.length).toBeGreaterThanOrEqual(3)
  for (const secret of secrets) {
    for (const text of [...written, JSON.stringify(events)]) expect(text.includes(secret)).toBe(false)
  }
  await accounts.close()
})

test('a damaged database stops the start and leaves the users file free', async () => {
  const path = folder()
  const first = await setUp({ path })
  await first.accounts.close()
  writeFileSync(join(path, 'netlab.db'), 'no database '.repeat(100))
  await expect(setUp({ path })).rejects.toMatchObject({ name: 'StorageError', code: 'DATABASE' })
  expect(readdirSync(path)).not.toContain('users.json.lock')
})

describe('sessions', () => {
  test('that are logged out can not be resumed, not even by a thief', async () => {
    const { accounts } = await setUp()
    const one = welcome(await accounts.register(ada))
    const two = welcome(await accounts.login(ada))
    const three = welcome(await accounts.login(ada))
    expect(new Set([one.token, two.token, three.token]).size).toBe(3)
    const heard: string[] = []
    accounts.onEnd(two.session.id, () => heard.push('two'))
    accounts.onEnd(three.session.id, () => heard.push('three'))()
    expect(await accounts.sessions({ session: one.session.id })).toMatchObject({
      kind: 'sessions',
      sessions: [{ id: 3 }, { id: 2 }, { id: 1 }],
    })
    expect(await accounts.logout({ session: one.session.id, which: 2 })).toEqual({ kind: 'logged-out', count: 1 })
    expect(await accounts.logout({ session: one.session.id, which: 2 })).toEqual({ kind: 'logged-out', count: 0 })
    expect(await accounts.resume({ token: two.token })).toEqual({ kind: 'no-session', why: 'unknown' })
    expect(await accounts.logout({ session: one.session.id, which: 'others' })).toMatchObject({ count: 1 })
    expect(await accounts.resume({ token: three.token })).toMatchObject({ kind: 'no-session' })
    expect(await accounts.logout({ session: one.session.id, which: 'all' })).toMatchObject({ count: 1 })
    expect(await accounts.logout({ session: one.session.id, which: 'this' })).toMatchObject({ kind: 'no-session' })
    expect(heard).toEqual(['two'])
    await accounts.close()
  })

  test('of others can not be ended', async () => {
    const { accounts } = await setUp()
    const bob = welcome(await accounts.register({ ...ada, name: 'Bob' }))
    const one = welcome(await accounts.register(ada))
    expect(await accounts.logout({ session: one.session.id, which: bob.session.id })).toMatchObject({ count: 0 })
    expect(await accounts.logout({ session: one.session.id, which: 'all' })).toMatchObject({ count: 1 })
    expect(await accounts.resume({ token: bob.token })).toMatchObject({ kind: 'welcome' })
    await accounts.close()
  })

  test('garbled, unknown and expired tokens are told apart', async () => {
    const { accounts, clock } = await setUp()
    const { token } = welcome(await accounts.register(ada))
    const last = token.at(-2) === 'A' ? 'B' : 'A'
    const answers = [await accounts.resume({ token: `${token}=` })]
    answers.push(await accounts.resume({ token: `${token.slice(0, -2)}${last}${token.at(-1)}` }))
    clock.advance(accountLimits.sessionIdleMs)
    answers.push(await accounts.resume({ token }))
    expect(answers.map((answer) => answer.kind === 'no-session' && answer.why)).toEqual([
      'malformed',
      'unknown',
      'expired',
    ])
    await accounts.close()
  })

  test('a resumed session costs no hash', async () => {
    const { accounts, hasher } = await setUp()
    const { token } = welcome(await accounts.register(ada))
    const { hashed, verified } = { ...hasher }
    for (let n = 0; n < 100; n++) expect(await accounts.resume({ token })).toMatchObject({ kind: 'welcome' })
    expect([hasher.hashed, hasher.verified]).toEqual([hashed, verified])
    await accounts.close()
  })

  test('clearing forgets users, hosts and sessions', async () => {
    const { accounts, events, path } = await setUp()
    const { token } = welcome(await accounts.register(ada))
    await accounts.identify({ address, name: 'Ada' })
    expect(await accounts.clear()).toBe(2)
    expect(await accounts.resume({ token })).toMatchObject({ kind: 'no-session' })
    expect(await accounts.nameOf({ address })).toEqual({ kind: 'host', name: undefined })
    expect(events).toEqual([{ type: 'users-cleared', count: 2 }])
    expect(readFileSync(join(path, 'users.json'), 'utf8')).toContain('"users": []')
    await accounts.close()
  })
})

describe('changing the password', () => {
  test('needs the old one, ends the other sessions and keeps this one', async () => {
    const { accounts } = await setUp()
    const one = welcome(await accounts.register(ada))
    const two = welcome(await accounts.login(ada))
    const change = { session: one.session.id, old: ada.password, new: 'battery staple', address }
    expect(await accounts.changePassword({ ...change, old: 'wrong horse' })).toMatchObject({ kind: 'wrong' })
    expect(await accounts.changePassword({ ...change, old: 'x' })).toMatchObject({ kind: 'wrong' })
    expect(await accounts.changePassword({ ...change, new: 'letmein1' })).toEqual({
      kind: 'bad-password',
      why: 'common',
    })
    expect(await accounts.changePassword({ ...change, new: 'ada' })).toEqual({ kind: 'bad-password', why: 'short' })
    expect(await accounts.changePassword(change)).toEqual({ kind: 'changed', revoked: 1 })
    expect(await accounts.resume({ token: one.token })).toMatchObject({ kind: 'welcome' })
    expect(await accounts.resume({ token: two.token })).toMatchObject({ kind: 'no-session' })
    expect(await accounts.login(ada)).toMatchObject({ kind: 'wrong' })
    welcome(await accounts.login({ ...ada, password: 'battery staple' }))
    expect(await accounts.changePassword({ ...change, session: 99 })).toMatchObject({ kind: 'no-session' })
    await accounts.close()
  })

  test('also ends a login with the old one that was under way', async () => {
    const { accounts, hasher } = await setUp()
    const { session } = welcome(await accounts.register(ada))
    const change = accounts.changePassword({ session: session.id, old: ada.password, new: 'battery staple', address })
    await turnUntil(() => hasher.verified.length > 0, 'the check of the password')
    // It gets its turn between the change's two hashes.
    const login = welcome(await accounts.login(ada))
    expect(await change).toEqual({ kind: 'changed', revoked: 1 })
    expect(await accounts.resume({ token: login.token })).toMatchObject({ kind: 'no-session' })
    await accounts.close()
  })

  test('while a login is being verified makes that login fail', async () => {
    const { accounts, hasher } = await setUp({ hashWidth: 2 })
    const { session } = welcome(await accounts.register(ada))
    const gate = Promise.withResolvers<void>()
    hasher.gate = gate.promise
    // From elsewhere, so that the change doesn't wait for its end.
    const login = accounts.login({ ...ada, address: '198.51.100.7' })
    await turnUntil(() => hasher.verified.length > 0, 'the check of the password')
    hasher.gate = undefined
    const change = { session: session.id, old: ada.password, new: 'battery staple', address }
    expect(await accounts.changePassword(change)).toMatchObject({ kind: 'changed' })
    gate.resolve()
    expect(await login).toMatchObject({ kind: 'wrong' })
    await accounts.close()
  })
})

describe('a session belongs to one account with one password', () => {
  /** Lets somebody edit the users file while the server is stopped. */
  async function edited(change: (users: Record<string, string>[], hosts: unknown[]) => Record<string, string>[]) {
    const first = await setUp()
    const { token } = welcome(await first.accounts.register(ada))
    await first.accounts.close()
    const file = join(first.path, 'users.json')
    const content = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...content, users: change(content.users, content.hosts) }))
    const { accounts } = await setUp({ path: first.path })
    return { accounts, token, path: first.path }
  }

  const refused = { kind: 'no-session', why: 'unknown' }

  test('and not to a name: the session of a deleted user does not open the account of who registers it next', async () => {
    const { accounts, token } = await edited(() => [])
    welcome(await accounts.register({ ...ada, password: 'another horse' }))
    expect(await accounts.resume({ token })).toEqual(refused)
    await accounts.close()
  })

  test('also over another restart, and if the new one was written by hand', async () => {
    const { accounts, token, path } = await edited((users) =>
      users.map(({ id, ...user }) => ({ ...user, id: 'other' })),
    )
    expect(await accounts.resume({ token })).toEqual(refused)
    await accounts.close()
    const again = await setUp({ path })
    expect(await again.accounts.resume({ token })).toEqual(refused)
    await again.accounts.close()
  })

  test('and ends when its hash is replaced by hand', async () => {
    const hash = await argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 }).hash('another horse')
    const { accounts, token } = await edited((users) => users.map((user) => ({ ...user, hash })))
    expect(await accounts.resume({ token })).toEqual(refused)
    welcome(await accounts.login({ ...ada, password: 'another horse' }))
    await accounts.close()
  })

  test('and outlives a restart, a new spelling of the name, and the renewal of a hash with old parameters', async () => {
    const { accounts, token, path } = await edited((users) => users.map((user) => ({ ...user, name: 'ADA' })))
    expect(await accounts.resume({ token })).toMatchObject({ kind: 'welcome' })
    await accounts.close()
    const hasher = argon2Hasher({ memoryKib: 128, passes: 1, lanes: 1 })
    const renewing = await setUp({ path, hasher })
    welcome(await renewing.accounts.login(ada))
    expect(readFileSync(join(path, 'users.json'), 'utf8')).toContain('$m=128,t=1,p=1$')
    await renewing.accounts.close()
    const last = await setUp({ path, hasher })
    expect(await last.accounts.resume({ token })).toMatchObject({ kind: 'welcome' })
    await last.accounts.close()
  })

  test('of files that an older netlab wrote: bound to the account that was there at the login, and to no later one', async () => {
    const first = await setUp()
    const { token } = welcome(await first.accounts.register(ada))
    const bob = welcome(await first.accounts.register({ ...ada, name: 'Bob', password: 'battery staple' }))
    await first.accounts.close()
    const database = new DatabaseSync(join(first.path, 'netlab.db'))
    database.exec("UPDATE session SET account = '', credential = ''")
    database.close()
    const file = join(first.path, 'users.json')
    const content = JSON.parse(readFileSync(file, 'utf8'))
    const users = content.users.map(({ id, ...user }: Record<string, string>) =>
      user.name === 'Bob' ? { ...user, since: '2999-01-01T00:00:00.000Z' } : user,
    )
    writeFileSync(file, JSON.stringify({ ...content, users }))
    for (let start = 0; start < 2; start++) {
      const { accounts } = await setUp({ path: first.path })
      expect(await accounts.resume({ token })).toMatchObject({ kind: 'welcome' })
      expect(await accounts.resume({ token: bob.token })).toEqual(refused)
      await accounts.close()
    }
  })

  test('and ends with all accounts', async () => {
    const { accounts } = await setUp()
    const { token } = welcome(await accounts.register(ada))
    await accounts.clear()
    welcome(await accounts.register(ada))
    expect(await accounts.resume({ token })).toEqual(refused)
    await accounts.close()
  })
})

describe('when only the database can not be written', () => {
  /** Accounts whose database is locked by somebody else for good, while the users file works. */
  async function withBrokenDatabase() {
    const opened = await setUp()
    const { session, token } = welcome(await opened.accounts.register(ada))
    const other = welcome(await opened.accounts.login(ada))
    const database = new DatabaseSync(join(opened.path, 'netlab.db'))
    database.exec("CREATE TRIGGER full BEFORE INSERT ON session BEGIN SELECT RAISE(ABORT, 'full'); END")
    database.exec("CREATE TRIGGER full2 BEFORE DELETE ON session BEGIN SELECT RAISE(ABORT, 'full'); END")
    /** As after kill -9: what is on disk, and nothing else. */
    const restart = async () => {
      await opened.accounts.close().catch(() => undefined)
      database.exec('DROP TRIGGER full; DROP TRIGGER full2')
      database.close()
      return (await setUp({ path: opened.path })).accounts
    }
    return { ...opened, session, token, other, restart }
  }

  test('who registers is told of being registered, and is', async () => {
    const { accounts, restart } = await withBrokenDatabase()
    const bob = { ...ada, name: 'Bob', password: 'battery staple' }
    expect(await accounts.register(bob)).toEqual({ kind: 'registered-only' })
    expect(await accounts.register(bob)).toEqual({ kind: 'taken' })
    const after = await restart()
    welcome(await after.login(bob))
    await after.close()
  })

  test('a new password is told as changed, and is; the sessions that ended with it stay ended', async () => {
    const { accounts, session, token, other, restart } = await withBrokenDatabase()
    const change = { session: session.id, old: ada.password, new: 'battery staple', address }
    expect(await accounts.changePassword(change)).toEqual({ kind: 'changed', revoked: 1 })
    expect(await accounts.resume({ token: other.token })).toEqual({ kind: 'no-session', why: 'unknown' })
    const after = await restart()
    expect(await after.resume({ token: other.token })).toEqual({ kind: 'no-session', why: 'unknown' })
    expect(await after.resume({ token })).toMatchObject({ kind: expect.stringMatching(/welcome|no-session/) })
    welcome(await after.login({ ...ada, password: 'battery staple' }))
    await after.close()
  })

  test('a logout that could not be kept is told so, and the session goes on', async () => {
    const { accounts, session, token } = await withBrokenDatabase()
    expect(await accounts.logout({ session: session.id, which: 'all' })).toEqual({ kind: 'storage' })
    expect(await accounts.resume({ token })).toMatchObject({ kind: 'welcome' })
    expect(await accounts.sessions({ session: session.id })).toMatchObject({ sessions: [{}, {}] })
    await accounts.close().catch(() => undefined)
  })
})
