import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { limits } from '../../src/base/limits.ts'
import { turnUntil } from '../support/event-loop.ts'
import { ada, address, setUp, welcome } from './opened-accounts.ts'

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
    clock.advance(limits.sessionIdleMs)
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
    const login = accounts.login(ada)
    await turnUntil(() => hasher.verified.length > 0, 'the check of the password')
    hasher.gate = undefined
    const change = { session: session.id, old: ada.password, new: 'battery staple', address }
    expect(await accounts.changePassword(change)).toMatchObject({ kind: 'changed' })
    gate.resolve()
    expect(await login).toMatchObject({ kind: 'wrong' })
    await accounts.close()
  })
})
