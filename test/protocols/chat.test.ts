import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { encodeFrame, encodeFrames } from '../../src/net/frame-codec.ts'
import { ChatMember, type ChatServer, startChatServer } from '../support/chat-server.ts'
import { TestClient } from '../support/client.ts'

const E = '\u001b'

test('a browser at the chat shows a sentence, and is no failed login', async () => {
  await using chat = await startChatServer()
  const response = await fetch(`http://127.0.0.1:${chat.port}/`, { method: 'POST', body: 'Ada\nwrong password\n' })
  expect(response.status).toBe(400)
  expect(await response.text()).toMatch(/^This is a netlab server, not a web server\. .*\n$/)
  expect([...chat.server.events, ...chat.events].map(({ type }) => type)).not.toContain('login-failed')
})

test('bug: who answered no more stood in /who for minutes; who answers stays, and who never promised to', async () => {
  await using chat = await startChatServer({ pingInterval: 120 })
  const hello = { type: 'hello', ping: true }
  const enter = async (name: string, ...first: object[]) =>
    ChatMember.connect(chat.port, ...first, { type: 'resume', token: await chat.register(name) }, { type: 'enter' })
  const old = await enter('Old')
  await old.hear('joined')
  const quick = await enter('Quick', hello)
  quick.client.socket.on('data', (chunk: Buffer) => {
    if (chunk.includes('"ping"')) quick.send({ type: 'pong' })
  })
  const ghost = await enter('Ghost', hello)
  await ghost.hear('joined')
  expect(await chat.server.event('disconnected')).toMatchObject({ reason: 'no-answer' })
  old.send({ type: 'who' })
  expect((await old.hear('who')).names.map(({ name }) => name)).toEqual(['Old', 'Quick'])
  // The answers are nothing that the chat has to answer.
  expect([old, quick].flatMap((member) => member.of('error'))).toEqual([])
  for (const { client } of [old, quick, ghost]) client.destroy()
})

describe('chat, over sockets', () => {
  let chat: ChatServer
  let ada: ChatMember
  let bob: ChatMember
  let eve: TestClient
  beforeAll(async () => {
    chat = await startChatServer()
    ada = await chat.come('Ada')
    bob = await chat.come('Bob')
    eve = await TestClient.connect(chat.port)
    await eve.write(`resume ${await chat.register('Eve')}\n`).until('you are in #lobby')
  })
  afterAll(async () => {
    for (const { client } of [ada, bob]) client.destroy()
    eve.destroy()
    await chat[Symbol.asyncDispose]()
  })

  test.each([
    ['combining characters', `Z${'\u0335\u0300'.repeat(200)}algo e\u0301`, /^Z\p{M}{4}algo é$/u],
    ['terminal escapes', `${E}[2J${E}]0;owned\u0007\u009b31m`, /^␛\[2J␛\]0;owned␇\ufffd31m$/],
    ['bidirectional overrides', 'invoice\u202efdp.exe\u202c \u2066x\u2069', /^invoicefdp\.exe x$/],
    ['4,096 bytes, the longest', 'x'.repeat(4096), /^x{4096}$/],
  ])('a message of %s arrives harmless, at programs and at people', async (_what, text, shown) => {
    const cid = `cid ${_what}`
    ada.send({ type: 'say', text, cid })
    const said = () => bob.of('message').find((message) => message.cid === cid)?.text
    await bob.client.until(() => said() !== undefined)
    expect(said()).toMatch(shown)
    await eve.until(String(said()))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
    expect(eve.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  })

  test.each([
    ['of 0 bytes', { type: 'say', text: '' }, 'EMPTY'],
    ['of nothing that shows', { type: 'say', text: ' \u200b\u202e ' }, 'EMPTY'],
    ['of 4,097 bytes', { type: 'say', text: 'x'.repeat(4097) }, 'TOO_LONG'],
    ['of 1 MB', { type: 'say', text: 'x'.repeat(1_000_000) }, 'TOO_LONG'],
    ['to a room with a slash', { type: 'join', room: 'a/b' }, 'BAD_ROOM'],
    ['to a room with spaces', { type: 'join', room: 'a b' }, 'BAD_ROOM'],
    ['to a room with an escape in its name', { type: 'join', room: `a${E}[2J` }, 'BAD_ROOM'],
  ])('a message %s is refused, by its own id, and the connection goes on', async (what, message, code) => {
    const cid = `refused ${what}`
    ada.send({ ...message, cid })
    await ada.settled()
    expect(ada.of('error').find((error) => error.cid === cid)).toMatchObject({ code })
    await bob.settled()
    expect(bob.of('message').filter((heard) => heard.cid === cid)).toEqual([])
  })

  test('a person hears the same, and an empty line is no message', async () => {
    eve.write('\n   \n/join a/b\n/join a b\n').write(`${'x'.repeat(5_000)}\n`)
    eve.write('/ping\n')
    const text = await eve.until('the server is there')
    expect(text.match(/^! .*$/gm)).toEqual([
      expect.stringContaining('! a room name has 1 to 32 letters'),
      expect.stringContaining('! a room name has 1 to 32 letters'),
      '! a text may have at most 4096 bytes here',
    ])
  })

  test('a room name in upper case is the same room', async () => {
    const joined = ada.of('joined').length
    ada.send({ type: 'join', room: '#Straße.ÄB' })
    const { room } = await ada.hear('joined', joined + 1)
    bob.send({ type: 'join', room: 'STRASSE.äb' }, { type: 'join', room: room.toUpperCase().replace('SS', 'ß') })
    await bob.settled()
    expect(room).toBe('straße.äb')
    expect(bob.of('joined').map((message) => message.room)).toContain(room)
    ada.send({ type: 'leave' })
    bob.send({ type: 'leave' }, { type: 'leave' })
    await Promise.all([ada.settled(), bob.settled()])
  })

  test('a frame of 0 bytes is no message', async () => {
    const errors = ada.of('error').length
    ada.client.write(encodeFrame(''))
    expect(await ada.hear('error', errors + 1)).toMatchObject({ code: 'BAD_MESSAGE' })
  })

  test.each([
    ['a line of 1 MB', 'text', Buffer.alloc(1_000_000, 'x'), 'a line is longer than 65536 bytes'],
    ['a frame above 1 MiB', 'frames', Buffer.from([0, 0x10, 0, 1, 0x7b]), 'a frame of 1048577 bytes'],
  ])('%s ends its connection, which hears why, and nobody else notices', async (what, dialect, bytes, why) => {
    const token = await chat.register(what.replaceAll(' ', '-'))
    const mallory = await TestClient.connect(chat.port)
    const messages = [{ type: 'resume', token }, { type: 'enter' }].map((message) => JSON.stringify(message))
    mallory.write(dialect === 'text' ? `resume ${token}\n` : encodeFrames(messages))
    await mallory.until(dialect === 'text' ? 'you are in #lobby' : '"joined"')
    mallory.write(bytes)
    const last = String(await mallory.all())
    mallory.destroy()
    const told = dialect === 'text' ? `\nnetlab: ${why}\n` : `{"type":"error","code":"BAD_MESSAGE","text":"${why}`
    expect(last).toContain(told)
    const gone = await chat.server.event('disconnected', ({ detail }) => detail?.includes(why) === true)
    expect(gone.reason).toBe('protocol-error')
    await bob.settled()
    expect(bob.client.ended).toBe(false)
  })

  test.each([
    ['a frame above the limit', Buffer.from([0, 0x10, 0, 1, 0x7b]), 1],
    ['ten frames that are no messages', encodeFrames(Array.from({ length: 10 }, () => 'x')), 10],
  ])(
    'bug: what was asked right before %s was never answered, nor was its sender told why',
    async (what, bytes, errors) => {
      const mallory = await chat.come(what.slice(-20))
      const asked = encodeFrames(
        [{ type: 'ping' }, { type: 'say', text: what }].map((message) => JSON.stringify(message)),
      )
      mallory.client.write(Buffer.concat([asked, bytes]))
      await mallory.client.all()
      expect(mallory.of('pong')).toHaveLength(1)
      expect(mallory.of('message').map(({ text }) => text)).toContain(what)
      expect(mallory.of('error').map(({ code }) => code)).toEqual(Array.from({ length: errors }, () => 'BAD_MESSAGE'))
      // It said "exit", as if it had been asked for.
      expect(mallory.of('bye')).toMatchObject([{ reason: 'protocol' }])
      mallory.client.destroy()
    },
  )

  test('/history right before own messages has none of them (they were shown twice when the disk took all at once)', async () => {
    const ada = await chat.come('Hilda')
    const words = Array.from({ length: 12 }, (_, number) => `after the question ${number}`)
    const pages = ada.of('history').length
    ada.send({ type: 'history', range: { last: 5 } }, ...words.map((text) => ({ type: 'say', text })))
    const page = await ada.hear('history', pages + 1)
    expect(page.messages.filter(({ text }: { text: string }) => words.includes(text))).toEqual([])
  })

  test('/history right after own messages has them all (they were left out while the disk was busy)', async () => {
    const words = Array.from({ length: 20 }, (_, n) => `just said ${n}`)
    const pages = ada.of('history').length
    ada.send(...words.map((text) => ({ type: 'say', text })), { type: 'history', range: { last: 20 } })
    const page = await ada.hear('history', pages + 1)
    expect(page.messages.map(({ text }) => text)).toEqual(words)
  })

  test.each([
    ['a half-close', ''],
    ['/quit in the same breath', '/quit\n'],
  ])('bug: after %s nothing of what had been asked for was told', async (what, last) => {
    const name = what.replaceAll(/\W+/g, 'x')
    const token = await chat.register(name)
    const piped = await TestClient.connect(chat.port)
    piped.end(`resume ${token}\n/join quiet${name}\nhello\n/who\n/history 5\n${last}`)
    const told = String(await piped.all())
    for (const part of [/you are in #lobby/, /you are in #quiet.*1 person/, /: hello\n/, /goodbye/])
      expect(told).toMatch(part)
    expect(told.match(/: hello\n/g)).toHaveLength(2)
    expect(piped.ended).toBe(true)
  })

  test('who vanishes without a word is gone for the others', async () => {
    const ghost = await chat.come('Ghost')
    await bob.client.until(() => bob.of('presence').some(({ joined }) => joined.includes('Ghost')))
    ghost.client.reset()
    await bob.client.until(() => bob.of('presence').some(({ left }) => left.includes('Ghost')))
    expect(bob.client.ended).toBe(false)
  })
})

test('a session that was ended elsewhere says goodbye, to programs and to people', async () => {
  await using chat = await startChatServer()
  const program = await chat.come('Ada')
  const person = await TestClient.connect(chat.port)
  await person.write(`resume ${await chat.register('Bob')}\n`).until('you are in #lobby')
  await chat.clear()
  expect(await program.hear('bye')).toMatchObject({
    reason: 'revoked',
    message: 'Your session was ended from elsewhere.',
  })
  expect(await person.until('elsewhere')).toMatch(/^\* netlab: Your session was ended from elsewhere\.$/m)
  await Promise.all([program.client.all(), person.all()])
  expect(chat.server.events.filter(({ type }) => type === 'session-revoked')).toHaveLength(2)
  program.client.destroy()
  person.destroy()
})

test('1,000 join at once: all of them are in, and hear the same', async () => {
  await using chat = await startChatServer()
  const names = Array.from({ length: 1_000 }, (_, n) => `m${n}`)
  const tokens: string[] = []
  // As many as may wait for a hash.
  for (let at = 0; at < names.length; at += 250) {
    tokens.push(...(await Promise.all(names.slice(at, at + 250).map((name) => chat.register(name)))))
  }
  const members = await Promise.all(tokens.map((token) => ChatMember.come(chat.port, token)))
  members[0]?.send({ type: 'who' }, { type: 'say', text: 'is everybody there?' })
  expect(await members[0]?.hear('who')).toMatchObject({ members: 1_000 })
  const heard = await Promise.all(members.map((member) => member.hear('message')))
  expect(new Set(heard.map(({ id, text }) => `${id} ${text}`)).size).toBe(1)
  for (const { client } of members) client.destroy()
})

test('the disk is full while history is written: the chat goes on, and operators are told', async () => {
  await using chat = await startChatServer({ maxPages: 24, operators: ['Ada'] })
  const ada = await chat.come('Ada')
  const bob = await chat.come('Bob')
  let said = 0
  while (ada.of('notice').length === 0) {
    if (said > 10_000) throw new Error('a full disk was never told of')
    bob.send(...Array.from({ length: 10 }, () => ({ type: 'say', text: 'x'.repeat(1_000) })))
    said += 10
    await ada.hear('message', said)
    await ada.settled()
  }
  expect(ada.of('notice')[0]?.text).toMatch(/the history cannot be written \(.*full.*\); the chat goes on without it/)
  // What the disk refused has gone out all the same, and says so.
  expect(ada.of('message').filter(({ unstored }) => unstored === true).length).toBeGreaterThan(0)
  bob.send({ type: 'say', text: 'still here' })
  expect(await ada.hear('message', said + 1)).toMatchObject({ text: 'still here' })
  expect(bob.of('notice')).toEqual([])
  expect(chat.events.map(({ type }) => type)).toContain('history-failed')
  for (const { client } of [ada, bob]) client.destroy()
})
