import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { accountLimits } from '../../src/accounts/limits.ts'
import { chatLimits } from '../../src/chat/limits.ts'
import { ChatAccountSession } from '../../src/protocols/chat-account.ts'
import { register, setUp } from '../accounts/conversing.ts'
import { FakeSession } from '../accounts/fake-session.ts'
import { ChatMember, type ChatServer, startChatServer } from '../support/chat-server.ts'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'

const passwordOf = (name: string): string => `correct horse ${name}`
const oldPassword = '* Old password (visible here as you type; an empty line changes nothing):'

describe('accounts, in the chat', () => {
  let chat: ChatServer
  let bob: ChatMember
  beforeAll(async () => {
    chat = await startChatServer()
    bob = await chat.come('Bob')
  })
  afterAll(async () => {
    bob.client.destroy()
    await chat[Symbol.asyncDispose]()
  })

  /** A person who types lines, logged in for the first or one more time. */
  async function person(name: string, token?: string): Promise<TestClient> {
    const client = await TestClient.connect(chat.port)
    await client.write(`resume ${token ?? (await chat.register(name))}\n`).until('you are in #lobby')
    return client
  }

  /** What has been said to the room so far, as Bob heard it and as the history has it. */
  async function told(): Promise<string> {
    const pages = bob.of('history').length
    bob.send({ type: 'history', range: { last: 200 } })
    const page = await bob.hear('history', pages + 1)
    return JSON.stringify([bob.of('message'), page])
  }

  test('a program gets from the chat what auth would answer', async () => {
    const ada = await chat.come('Ada')
    ada.send({ type: 'whoami' }, { type: 'sessions' })
    ada.send({ type: 'logout', which: 99 }, { type: 'logout', which: 'others' })
    expect(await ada.hear('whoami')).toMatchObject({ name: 'Ada', session: { user: 'Ada', address: '127.0.0.1' } })
    expect(await ada.hear('sessions')).toMatchObject({ sessions: [{ user: 'Ada' }] })
    expect(await ada.hear('denied')).toMatchObject({ reason: 'no-such' })
    expect(await ada.hear('logged-out')).toMatchObject({ count: 0, here: false })
    ada.send({ type: 'passwd', old: 'wrong horse', new: 'battery staple' })
    expect(await ada.hear('denied', 2)).toMatchObject({ reason: 'wrong', message: 'That is not your password.' })
    ada.send({ type: 'passwd', old: passwordOf('Ada'), new: 'battery staple' })
    expect(await ada.hear('changed')).toMatchObject({ revoked: 0 })
    expect(await chat.server.event('password-changed')).toMatchObject({ name: 'Ada' })
    ada.client.destroy()
  })

  test.each([
    ['{"type":"passwd","old":"hunter2 hunter2"}', 'BAD_MESSAGE'],
    ['{"type":"line","text":"/passwd"}', 'USAGE'],
    ['{"type":"line","text":"/passwd hunter2 hunter2"}', 'USAGE'],
    ['{"type":"logout","which":["hunter2 hunter2"]}', 'BAD_MESSAGE'],
  ])('%s is refused without repeating it', async (message, code) => {
    const eve = await chat.come(`Eve ${Math.random()}`)
    eve.send(JSON.parse(message))
    const error = await eve.hear('error')
    expect(error.code).toBe(code)
    expect(error.text).not.toContain('hunter2')
    expect(await told()).not.toContain('hunter2')
    eve.client.destroy()
  })

  test('a program can use the accounts without being seen in any room', async () => {
    const token = await chat.register('Shy')
    const shy = await ChatMember.connect(chat.port, { type: 'resume', token }, { type: 'sessions' })
    await shy.hear('sessions')
    bob.send({ type: 'who' })
    const { names } = await bob.hear('who')
    expect(names.map(({ name }) => name)).not.toContain('Shy')
    shy.client.destroy()
  })

  test('a person is asked for passwords, and what is typed then is said to nobody', async () => {
    const name = 'Cleo Ann'
    const cleo = await person(name)
    cleo.write('before\n/passwd\n')
    await cleo.until(oldPassword)
    bob.send({ type: 'say', text: 'are you there?' })
    await cleo.until('are you there?')
    cleo.write('wrong horse\nbattery staple\nbattery staple\n')
    await cleo.until('! That is not your password.\n* Old password')
    cleo.write(`${passwordOf(name)}\nbattery staple\nbattery stable\n`)
    await cleo.until('* The two new passwords differ.\n* New password:')
    cleo.write('/quit\n/quit\n')
    await cleo.until('! A password has at least 8 characters')
    cleo.write('battery staple\nbattery staple\n')
    await cleo.until('* The password is changed; 0 other sessions ended.')
    cleo.write('/passwd\nbattery staple\n\nafter\n/ping\n')
    const heard = await cleo.until('the server is there')
    expect(heard).toContain('* Nothing was changed.\n')
    expect(heard).not.toMatch(/horse|battery|stable/)
    const said = await told()
    expect(said).toContain('"before"')
    expect(said).toContain('"after"')
    expect(said).not.toMatch(/horse|battery|stable|quit/)
    expect(JSON.stringify(chat.server.events)).not.toMatch(/horse|battery|stable/)
    cleo.destroy()
  })

  test('a person who ends the other sessions puts them out of the chat, and stays', async () => {
    const first = await person('Dan')
    const second = await TestClient.connect(chat.port)
    await second.write(`Dan\n${passwordOf('Dan')}\n`).until('you are in #lobby')
    second.write('/sessions\n/logout others\n')
    const heard = await second.until('One session ended.')
    expect(heard).toMatch(/^\* {3}session \d+ from 127\.0\.0\.1, since/m)
    expect(heard).toMatch(/^\* \* session \d+ from 127\.0\.0\.1, since/m)
    expect(String(await first.all())).toMatch(/^\* netlab: Your session was ended from elsewhere\.\n$/m)
    expect(await second.write('/ping\n').until('the server is there')).toContain('the server is there')
    for (const client of [first, second]) client.destroy()
  })

  test('who logs out leaves the chat, and the token is worth nothing', async () => {
    const token = await chat.register('Fay')
    const fay = await person('Fay', token)
    await bob.client.until(() => bob.of('presence').some(({ joined }) => joined.includes('Fay')))
    fay.write('/logout\nsaid too late\n')
    expect(String(await fay.all())).toMatch(/\n\* One session ended\.\n\* goodbye\n$/)
    await bob.client.until(() => bob.of('presence').some(({ left }) => left.includes('Fay')))
    const again = await TestClient.connect(chat.port)
    await again.write(`resume ${token}\n`).until('That session has ended')
    expect(await told()).not.toContain('said too late')
    for (const client of [fay, again]) client.destroy()
  })
})

test('bug: who was in the chat for a day was put out of it, "from elsewhere"', async () => {
  const { accounts, clock } = await setUp()
  const { session } = await register(accounts)
  const line = new FakeSession('frames')
  const account = new ChatAccountSession(line, 'frames', session, { accounts, clock, useMs: chatLimits.sessionUseMs })
  clock.advance(2 * accountLimits.sessionIdleMs)
  expect(await account.carryOut({ type: 'whoami' })).toBe(true)
  clock.advance(accountLimits.sessionMaxMs)
  // Those that have expired are looked for twice a minute, and not before the last look is through.
  await turnUntil(() => {
    clock.advance(30_000)
    return line.ended !== undefined
  }, 'the end of the session')
  expect(line.messages.at(-1)).toMatchObject({ type: 'bye', reason: 'expired' })
  expect(line.ended).toBe('session-ended: expired')
  account.close()
  await accounts.close()
  expect(clock.pending).toBe(0)
})
