import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { turnUntil } from '../support/event-loop.ts'
import { ada, address, setUp, welcome } from './opened-accounts.ts'

const bob = { ...ada, name: 'Bob' }
const newPassword = 'better horse'
const hour = 3_600_000

/** Ada and Bob are registered; Ada's session is open. */
async function withTwo() {
  const here = await setUp()
  const granted = welcome(await here.accounts.register(ada))
  await here.accounts.register(bob)
  const ends: string[] = []
  here.accounts.onEnd(granted.session.id, (why) => ends.push(why))
  return { ...here, granted, ends, administration: here.accounts.administration }
}

describe('what the operator does to an account', () => {
  test('lists it: since when, last login and from where, sessions; over a restart too', async () => {
    const { accounts, administration, path, clock } = await withTwo()
    await accounts.identify({ address: '192.0.2.9', name: 'Lab' })
    clock.advance(1000)
    await accounts.login({ ...bob, address: '192.0.2.8' })
    const times = { since: new Date(clock.now() - 1000).toISOString(), banned: false, oneTime: false }
    const people = {
      users: [
        { name: 'Ada', ...times, lastLoginMs: clock.now() - 1000, address, sessions: 1 },
        { name: 'Bob', ...times, lastLoginMs: clock.now(), address: '192.0.2.8', sessions: 2 },
      ],
      hosts: [{ name: 'Lab', address: '192.0.2.9', since: times.since }],
    }
    expect(administration.people()).toEqual(people)
    await accounts.close()
    const again = await setUp({ path })
    expect(again.accounts.administration.people()).toEqual(people)
    await again.accounts.close()
  })

  test('forgets it, whatever the case of its name: sessions end, and nobody logs in; a host by its address', async () => {
    const { accounts, administration, granted, ends, events } = await withTwo()
    expect(await administration.forget({ name: 'ADA', space: 'users' })).toMatchObject({ name: 'Ada', sessions: 1 })
    expect(ends).toEqual(['revoked'])
    expect(await accounts.resume({ token: granted.token })).toMatchObject({ kind: 'no-session' })
    expect(await accounts.login(ada)).toMatchObject({ kind: 'wrong' })
    await accounts.identify({ address: '::ffff:192.0.2.9', name: 'Lab' })
    expect(await administration.forget({ name: '192.0.2.9', space: 'users' })).toMatchObject({ name: 'Lab' })
    expect(administration.people()).toMatchObject({ users: [{ name: 'Bob' }], hosts: [] })
    expect(events.filter(({ type }) => type === 'account-changed')).toMatchObject([
      { action: 'forgotten', name: 'Ada', sessions: 1 },
      { action: 'forgotten', name: 'Lab' },
    ])
    await accounts.close()
  })

  test.each([
    ['Eve', 'nobody is called Eve'],
    ['Bobb', 'nobody is called Bobb'],
    ['Lab', 'no account is called Lab'],
    ['192.0.2.99', 'no host of the address 192.0.2.99 is known'],
  ])('is done to nobody when it is done to %s, who is unknown', async (name, message) => {
    const { accounts, administration } = await withTwo()
    await accounts.identify({ address: '192.0.2.9', name: 'Lab' })
    await expect(administration.forget({ name, space: 'users' })).rejects.toMatchObject({ message, exit: 1 })
    expect(administration.people().users).toHaveLength(2)
    await accounts.close()
  })

  test('renames it: id, password and sessions stay, who is there hears of it, the old name is free; over a restart', async () => {
    const { accounts, administration, granted, ends, path } = await withTwo()
    const names: string[] = []
    accounts.onRename(granted.session.id, (name) => names.push(name))
    expect(await administration.rename({ old: 'ada', name: 'Ada Lee', space: 'users' })).toMatchObject({
      name: 'Ada Lee',
      account: granted.account,
    })
    expect([names, ends]).toEqual([['Ada Lee'], []])
    expect(await accounts.login({ ...ada, name: 'Ada Lee' })).toMatchObject({
      kind: 'welcome',
      account: granted.account,
    })
    expect(welcome(await accounts.register(ada)).account).not.toBe(granted.account)
    await accounts.close()
    const again = await setUp({ path })
    expect(await again.accounts.resume({ token: granted.token })).toMatchObject({
      session: { user: 'Ada Lee' },
      account: granted.account,
    })
    await again.accounts.close()
  })

  test.each([
    ['Bob', 'Bob is taken'],
    ['BOB', 'BOB is taken'],
    ['B0b', 'B0b looks like a name that somebody else has'],
    ['operator', 'A name has no word that stands for the server, its operator or yourself'],
    ['35', 'A name has at least one letter or emoji'],
    ['*', expect.stringMatching(/^A name has letters/)],
  ])('does not rename it to %s', async (name, message) => {
    const { accounts, administration } = await withTwo()
    await expect(administration.rename({ old: 'Ada', name, space: 'users' })).rejects.toMatchObject({ message })
    expect(administration.people().users.map((user) => user.name)).toEqual(['Ada', 'Bob'])
    await accounts.close()
  })

  test.each(['ADA', 'ada', 'Ada'])('renames it to %s, which looks like itself', async (name) => {
    const { accounts, administration } = await withTwo()
    await administration.rename({ old: 'Ada', name, space: 'users' })
    expect(administration.people().users.map((user) => user.name)).toContain(name)
    await expect(administration.rename({ old: 'Bob', name: 'Ada', space: 'users' })).rejects.toThrow('Ada is taken')
    await accounts.close()
  })

  test('gives it a password for one login, which must bring a new one; no other is good meanwhile', async () => {
    const { accounts, administration, granted, ends, events, path } = await withTwo()
    const { password } = await administration.reset({ name: 'ada' })
    expect(password).toMatch(/^[a-z2-9]{4}(-[a-z2-9]{4}){2}$/)
    expect(ends).toEqual(['revoked'])
    expect(await accounts.resume({ token: granted.token })).toMatchObject({ kind: 'no-session' })
    expect(await accounts.login(ada)).toMatchObject({ kind: 'wrong' })
    const once = { ...ada, password }
    expect(await accounts.login(once)).toMatchObject({ kind: 'must-change' })
    await accounts.close()

    const again = await setUp({ path })
    const login = (more: object) => again.accounts.login({ ...once, ...more })
    expect(await login({})).toMatchObject({ kind: 'must-change' })
    expect(await login({ newPassword: 'short' })).toEqual({ kind: 'bad-password', why: 'short' })
    expect(await login({ newPassword: password })).toEqual({ kind: 'bad-password', why: 'same' })
    expect(await login({ newPassword, password: 'wrong horse' })).toMatchObject({ kind: 'wrong' })
    expect(await login({ newPassword })).toMatchObject({ kind: 'welcome', account: granted.account, changed: 0 })
    expect(await login({})).toMatchObject({ kind: 'wrong' })
    expect(await login({ password: newPassword })).toMatchObject({ kind: 'welcome' })
    expect(readFileSync(join(path, 'users.json'), 'utf8')).not.toContain('oneTime')
    expect(JSON.stringify(events)).not.toContain(password)
    await again.accounts.close()
  })

  test('logs it out everywhere, and lists where it is logged in', async () => {
    const { accounts, administration, ends } = await withTwo()
    await accounts.login({ ...ada, address: '192.0.2.8' })
    expect(
      administration
        .sessionsOf({ name: 'ada' })
        .map((one) => one.address)
        .sort(),
    ).toEqual([address, '192.0.2.8'])
    expect(await administration.logOut({ name: 'ada' })).toMatchObject({ name: 'Ada', sessions: 2 })
    expect(ends).toEqual(['revoked'])
    expect(administration.sessionsOf({ name: 'ada' })).toEqual([])
    await accounts.close()
  })

  test('clears all, and keeps what there was beside the file; an empty store does not take the place of that', async () => {
    const { accounts, administration, path } = await withTwo()
    const before = readFileSync(join(path, 'users.json'), 'utf8')
    expect(await administration.clear()).toBe(2)
    expect(await administration.clear()).toBe(0)
    expect(readFileSync(join(path, 'users.json.bak'), 'utf8')).toBe(before)
    expect(existsSync(join(path, 'users.json'))).toBe(true)
    expect(administration.people()).toEqual({ users: [], hosts: [] })
    await accounts.close()
  })
})

describe('a ban', () => {
  test('of an account ends its sessions and keeps it out, by name and by token, whatever it is called, over restarts', async () => {
    const { accounts, administration, granted, ends, path } = await withTwo()
    await administration.ban({ whom: 'ada', what: 'name', space: 'users' })
    expect(ends).toEqual(['banned'])
    expect(await accounts.login(ada)).toEqual({ kind: 'banned' })
    expect(await accounts.login({ ...ada, password: 'wrong horse' })).toMatchObject({ kind: 'wrong' })
    await administration.rename({ old: 'Ada', name: 'Eva', space: 'users' })
    await accounts.close()
    const again = await setUp({ path })
    expect(await again.accounts.login({ ...ada, name: 'Eva' })).toEqual({ kind: 'banned' })
    expect(await again.accounts.resume({ token: granted.token })).toMatchObject({ kind: 'no-session' })
    expect(again.accounts.administration.bans()).toMatchObject([{ name: 'Eva' }])
    await again.accounts.administration.unban({ whom: 'eva' })
    expect(await again.accounts.login({ ...ada, name: 'Eva' })).toMatchObject({ kind: 'welcome' })
    await again.accounts.close()
  })

  test('for a time ends with that', async () => {
    const { accounts, administration, clock } = await withTwo()
    await administration.ban({ whom: 'ada', what: 'name', space: 'users', forMs: 2 * hour })
    const until = new Date(clock.now() + 2 * hour).toISOString()
    expect(await accounts.login(ada)).toEqual({ kind: 'banned', until })
    clock.advance(2 * hour - 1)
    expect(administration.bans()).toHaveLength(1)
    clock.advance(1)
    expect(administration.bans()).toEqual([])
    expect(await accounts.login(ada)).toMatchObject({ kind: 'welcome' })
    await accounts.close()
  })

  test('of addresses is one block, however it is written, and of a host its address', async () => {
    const { accounts, administration } = await withTwo()
    await administration.ban({ whom: '192.0.2.77/24', what: 'address', space: 'users' })
    await administration.ban({ whom: '::ffff:192.0.2.0/120', what: 'address', space: 'users', forMs: hour })
    expect(administration.bans()).toMatchObject([{ address: '192.0.2.0/24', until: expect.any(String) }])
    await administration.unban({ whom: '192.0.2.0/24' })
    await accounts.identify({ address: '192.0.2.9', name: 'Lab' })
    await administration.ban({ whom: 'lab', what: 'name', space: 'hosts' })
    expect(administration.bans()).toMatchObject([{ address: '192.0.2.9' }])
    await administration.unban({ whom: 'lab' })
    expect(administration.bans()).toEqual([])
    await accounts.close()
  })

  test.each([
    ['ban', 'Eve', 'nobody is called Eve'],
    ['unban', 'Bob', 'Bob is not banned'],
    ['unban', '10.0.0.0/8', '10.0.0.0/8 is not banned'],
  ] as const)('%s %s: %s', async (command, whom, message) => {
    const { accounts, administration } = await withTwo()
    const done =
      command === 'ban' ? administration.ban({ whom, what: 'name', space: 'users' }) : administration.unban({ whom })
    await expect(done).rejects.toMatchObject({ message, exit: 1 })
    await accounts.close()
  })

  test('goes with its account, and outlives the clearing of users where it is one of addresses', async () => {
    const { accounts, administration, path } = await withTwo()
    await administration.ban({ whom: 'ada', what: 'name', space: 'users' })
    await administration.ban({ whom: 'bob', what: 'name', space: 'users' })
    await administration.ban({ whom: '10.0.0.0/8', what: 'address', space: 'users' })
    await administration.forget({ name: 'ada', space: 'users' })
    expect(administration.bans()).toHaveLength(2)
    await administration.clear()
    await accounts.close()
    const again = await setUp({ path })
    expect(again.accounts.administration.bans()).toMatchObject([{ address: '10.0.0.0/8' }])
    await again.accounts.close()
  })

  test('that comes while a password is being checked holds', async () => {
    const { accounts, administration, hasher } = await withTwo()
    const gate = Promise.withResolvers<void>()
    hasher.gate = gate.promise
    hasher.verified = []
    const login = accounts.login(ada)
    await turnUntil(() => hasher.verified.length === 1)
    await administration.ban({ whom: 'ada', what: 'name', space: 'users' })
    gate.resolve()
    expect(await login).toEqual({ kind: 'banned' })
    await accounts.close()
  })
})
