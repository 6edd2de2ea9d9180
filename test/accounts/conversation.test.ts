import { describe, expect, test } from '@jest/globals'
import type { Accounts } from '../../src/accounts/accounts.ts'
import { identify } from '../../src/accounts/identify.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import { authenticate } from '../../src/accounts/login.ts'
import { accountCommands } from '../../src/accounts/replies.ts'
import { limits } from '../../src/base/limits.ts'
import { describe as sentence } from '../../src/log/render.ts'
import { turnUntil } from '../support/event-loop.ts'
import { ada, namePrompt, password, passwordPrompt, register, serve, setUp, wrong } from './conversing.ts'
import { FakeSession } from './fake-session.ts'

describe('in frames', () => {
  test('who says hello with "ping" is asked when it is silent; others, who know nothing of it, are not', async () => {
    const here = await setUp()
    const hellos: readonly (readonly [object, boolean])[] = [
      [{ type: 'hello', ping: true }, true],
      [{ type: 'hello', ping: false }, false],
      [{ type: 'hello' }, false],
      [{ type: 'hello', pong: true, version: 7 }, false],
    ]
    for (const [hello, pinged] of hellos) {
      const [client, host] = [new FakeSession('frames'), new FakeSession('frames')]
      await serve(client.says(hello, { type: 'exit' }), here)
      await identify(host.says(hello, { type: 'exit' }), here.accounts, here.clock)
      expect([client.pinged, host.pinged]).toEqual([pinged, pinged])
      expect(client.messages[0]).toEqual({ type: 'hello', service: 'auth', version: 1, pingMs: 15_000 })
      expect(host.messages[0]).toEqual({ type: 'hello', service: 'ident', version: 1, pingMs: 15_000 })
    }
    await here.accounts.close()
  })

  test('a ping is answered at any time, and a pong is no bad message', async () => {
    const here = await setUp()
    const beats = Array.from({ length: 20 }, () => ({ type: 'pong' }))
    const client = new FakeSession('frames').says(...beats, { type: 'ping' }, { type: 'register', ...ada }, ...beats)
    await serve(client.says({ type: 'ping' }, { type: 'exit' }), here)
    expect(client.messages.map(({ type }) => type)).toEqual(['hello', 'pong', 'welcome', 'pong', 'bye'])
    await here.accounts.close()
  })

  test('one message registers, one logs in, one goes on', async () => {
    const here = await setUp()
    const first = new FakeSession('frames').says({ type: 'hello' }, { type: 'register', ...ada }, { type: 'exit' })
    await serve(first, here)
    const session = {
      id: 1,
      user: 'Ada',
      address: '192.0.2.7',
      createdMs: here.clock.now(),
      usedMs: here.clock.now(),
      expiresMs: here.clock.now() + accountLimits.sessionIdleMs,
    }
    const token = first.messages[1]?.token
    expect(first.messages).toEqual([
      { type: 'hello', service: 'auth', version: 1, pingMs: 15_000 },
      { type: 'welcome', name: 'Ada', how: 'registered', session, token: expect.stringMatching(/^[\w-]{43}$/) },
      { type: 'bye', reason: 'exit', message: 'Goodbye.' },
    ])
    const second = new FakeSession('frames').says(
      { type: 'login', ...ada },
      { type: 'logout', which: 'others' },
      { type: 'exit' },
    )
    await serve(second, here)
    expect(second.messages.slice(1, 3)).toMatchObject([
      { type: 'welcome', how: 'login', session: { id: 2 } },
      { type: 'logged-out', count: 1, here: false },
    ])
    const third = new FakeSession('frames').says({ type: 'resume', token }, { type: 'exit' })
    await serve(third, here)
    expect(third.messages[1]).toMatchObject({ type: 'denied', reason: 'no-session' })
    await here.accounts.close()
  })

  test.each([
    ['no JSON', 'login Ada'],
    ['no object', '["login"]'],
    ['null', 'null'],
    ['no type', '{}'],
    ['a type of Object.prototype', '{"type":"constructor"}'],
    ['an unknown type', '{"type":"stop"}'],
    ['no password', '{"type":"login","name":"Ada"}'],
    ['a password that is no text', '{"type":"login","name":"Ada","password":["correct horse"]}'],
    ['deep nesting', `${'['.repeat(100_000)}`],
  ])('%s is nonsense, which is said without repeating it', async (_, text) => {
    const here = await setUp()
    const line = new FakeSession('frames').says(text, { type: 'exit' })
    await serve(line, here)
    expect(line.messages.slice(1)).toEqual([
      { type: 'error', reason: 'bad-message', message: expect.any(String) },
      { type: 'bye', reason: 'exit', message: 'Goodbye.' },
    ])
    expect(line.sent[1]).not.toContain('horse')
    await here.accounts.close()
  })

  test('too much nonsense ends the conversation', async () => {
    const here = await setUp()
    const line = new FakeSession('frames').says(...Array.from({ length: limits.badMessages }, () => 'x'))
    await expect(serve(line, here)).rejects.toMatchObject({ name: 'ProtocolError', code: 'BAD_MESSAGE' })
    await here.accounts.close()
  })

  test('a session that is ended elsewhere ends here', async () => {
    const here = await setUp()
    const { token, session } = await register(here.accounts)
    const victim = new FakeSession('frames').says({ type: 'resume', token })
    const served = serve(victim, here)
    await victim.hears('welcome')
    const thief = new FakeSession('frames').says(
      { type: 'login', ...ada },
      { type: 'logout', which: session.id },
      { type: 'exit' },
    )
    await serve(thief, here)
    await served
    expect(victim.messages.at(-1)).toMatchObject({ type: 'bye', reason: 'revoked' })
    expect(victim.ended).toBe('session-ended: revoked')
    expect(victim.events.at(-1)).toMatchObject({ type: 'session-revoked', name: 'Ada', session: session.id })
    await here.accounts.close()
  })

  test('a connection can go on with another session, and keeps its own when that one is dead', async () => {
    const here = await setUp()
    const one = await register(here.accounts)
    const two = await register(here.accounts, { ...ada, name: 'Bob' })
    const line = new FakeSession('frames').says(
      { type: 'resume', token: one.token },
      { type: 'resume', token: two.token },
    )
    line.says({ type: 'resume', token: 'x' }, { type: 'whoami' })
    const served = serve(line, here)
    await line.hears('whoami')
    expect(line.messages.slice(1)).toMatchObject([
      { type: 'welcome', name: 'Ada' },
      { type: 'welcome', name: 'Bob', how: 'resumed' },
      { type: 'denied', reason: 'no-session' },
      { type: 'whoami', name: 'Bob' },
    ])
    await here.accounts.logout({ session: one.session.id, which: 'this' })
    expect(line.ended).toBeUndefined()
    await here.accounts.logout({ session: two.session.id, which: 'this' })
    await served
    expect(line.ended).toBe('session-ended: revoked')
    await here.accounts.close()
  })

  test('a session that did not log out itself still hears of its end', async () => {
    const here = await setUp()
    const { session, token } = await register(here.accounts)
    const line = new FakeSession('frames').says({ type: 'resume', token }, { type: 'logout', which: 'others' })
    const served = serve(line, here)
    await line.hears('logged-out')
    await new Promise((resolve) => setImmediate(resolve))
    await here.accounts.logout({ session: session.id, which: 'this' })
    await served
    expect(line.messages.at(-1)).toMatchObject({ type: 'bye', reason: 'revoked' })
    await here.accounts.close()
  })

  test('logging out everywhere lets this connection log in again', async () => {
    const here = await setUp()
    await register(here.accounts)
    const line = new FakeSession('frames').says({ type: 'login', ...ada }, { type: 'logout', which: 'all' })
    line.says(
      { type: 'login', ...ada },
      { type: 'whoami' },
      { type: 'logout', which: [] },
      { type: 'logout', which: 'x' },
    )
    line.says({ type: 'exit' })
    await serve(line, here)
    expect(line.messages.map(({ type, count, reason }) => [type, count ?? reason])).toEqual([
      ['hello', undefined],
      ['welcome', undefined],
      ['logged-out', 2],
      ['hello', undefined],
      ['welcome', undefined],
      ['whoami', undefined],
      ['error', 'bad-message'],
      ['denied', 'no-such'],
      ['bye', 'exit'],
    ])
    await here.accounts.close()
  })
})

describe('who does not get in', () => {
  test('hears how to connect when the connection can be overheard, and nothing is asked', async () => {
    const here = await setUp()
    const line = new FakeSession('text', { secure: false }).says('Ada', password)
    await serve(line, here)
    expect(line.sent).toEqual([expect.stringContaining('connect with TLS')])
    expect([line.ended, line.events[0]]).toMatchObject(['no-login: plain text refused', { reason: 'plaintext' }])
    await here.accounts.close()
  })

  test('is sent away after a minute of half a login and silence', async () => {
    const here = await setUp()
    const line = new FakeSession('text').says('Ada')
    const served = serve(line, here)
    await line.hears('Password')
    here.clock.advance(accountLimits.loginMs - 1)
    expect(line.ended).toBeUndefined()
    here.clock.advance(1)
    await served
    expect([line.sent.at(-1), line.ended]).toEqual([
      'netlab: You took too long to log in.',
      'no-login: it took too long',
    ])
    expect(here.clock.pending).toBe(1)
    await here.accounts.close()
  })

  test('hears so only once the answer is there, when it is we who let the time pass', async () => {
    const here = await setUp()
    const answer = Promise.withResolvers<{ readonly kind: 'busy'; readonly retryMs: number }>()
    const asked = Promise.withResolvers<void>()
    const accounts: Accounts = Object.assign(Object.create(here.accounts), {
      login() {
        asked.resolve()
        return answer.promise
      },
    })
    const line = new FakeSession('frames').says({ type: 'login', ...ada })
    const served = authenticate(line, { ...here.services, accounts })
    await asked.promise
    here.clock.advance(accountLimits.loginMs)
    expect(line.ended).toBeUndefined()
    answer.resolve({ kind: 'busy', retryMs: 1000 })
    expect(await served).toBeUndefined()
    expect(line.messages.slice(-2)).toMatchObject([
      { type: 'denied', reason: 'busy' },
      { type: 'bye', reason: 'deadline' },
    ])
    await here.accounts.close()
  })

  test('and leaves while the password waits to be checked, frees the place', async () => {
    const here = await setUp()
    const signals: AbortSignal[] = []
    const accounts: Accounts = Object.assign(Object.create(here.accounts), {
      login: (_: unknown, signal: AbortSignal) => {
        signals.push(signal)
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ kind: 'left' })))
      },
    })
    const line = new FakeSession('frames').says({ type: 'login', ...ada })
    const served = authenticate(line, { ...here.services, accounts })
    await line.hears('hello')
    await turnUntil(() => signals.length > 0, 'the login')
    here.clock.advance(accountLimits.waitNoticeMs)
    here.clock.advance(accountLimits.waitNoticeMs)
    expect(line.messages.slice(1)).toEqual([
      { type: 'wait', message: 'One moment, please.' },
      { type: 'wait', message: 'Still waiting; your turn will come.' },
    ])
    line.leaves()
    expect(await served).toBeUndefined()
    expect(signals[0]?.aborted).toBe(true)
    await here.accounts.close()
  })
})

test('no password, no token and no mistyped name is in any event or its sentence', async () => {
  const here = await setUp()
  const { token } = await register(here.accounts)
  const line = new FakeSession('text').says('hunter2 hunter2', 'wrong horse', 'wrong horse', 'passwd', 'wrong horse')
  line.says('new wrong horse', 'new wrong horse', `resume ${token?.slice(1)}x`).halfCloses()
  await serve(line, here)
  const taken = new FakeSession('text').says('Ada', 'hunter2 hunter3', 'hunter2 hunter3', `resume ${token}`, 'passwd')
  taken.says(password, 'next horse', 'next horse').halfCloses()
  await serve(taken, here)
  const events = [...line.events, ...taken.events]
  expect(events.length).toBeGreaterThan(6)
  const written = events.map((event) => `${JSON.stringify(event)} ${sentence(event)}`).join('\n')
  for (const secret of ['horse', 'hunter3', token?.slice(1) ?? '?']) expect(written).not.toContain(secret)
  await here.accounts.close()
})

describe('in lines', () => {
  test('an unknown name registers with the password twice, and can go on at once', async () => {
    const here = await setUp()
    const line = new FakeSession('text').says('Ada', password, password, 'whoami', 'exit')
    await serve(line, here)
    expect(line.sent).toEqual([
      'netlab auth. "exit" leaves.',
      namePrompt,
      passwordPrompt,
      ...wrong,
      passwordPrompt,
      'Welcome, Ada. You are registered.',
      expect.stringMatching(/^Next time "resume [\w-]{43}" instead of a name saves the password\.$/),
      'Commands: whoami, sessions, logout [NUMBER|others|all], passwd, exit.',
      'Ada, session 1 from 192.0.2.7, since 2023-11-14 22:13 UTC, until 2023-11-15 22:13 UTC if not used',
      'Goodbye.',
    ])
    expect(line.ended).toBe('exit')
    expect(line.events.map(({ type }) => type)).toEqual(['login-failed', 'registered', 'login'])
    await here.accounts.close()
  })

  test('a known name logs in, after a mistype too, and someone who half-closed still hears everything', async () => {
    const here = await setUp()
    await register(here.accounts)
    const line = new FakeSession('text').says('ADA', 'mistyped horse', password).halfCloses()
    await serve(line, here)
    expect(line.sent.slice(2)).toEqual([
      passwordPrompt,
      ...wrong,
      passwordPrompt,
      'Welcome back, Ada.',
      expect.stringContaining('resume'),
      expect.stringContaining('Commands'),
    ])
    await here.accounts.close()
  })

  test('up to the second password nothing tells whether a name exists', async () => {
    const here = await setUp()
    await register(here.accounts)
    const known = new FakeSession('text').says('Ada', 'wrong horse', 'other horse').halfCloses()
    const unknown = new FakeSession('text').says('Bob', 'wrong horse', 'other horse').halfCloses()
    await Promise.all([serve(known, here), serve(unknown, here)])
    expect(known.sent).toEqual(unknown.sent)
    await here.accounts.close()
  })

  test.each([
    ['a bad name is asked again', ['\u001b[2J', ' Ada', 'x'.repeat(60_000)], namePrompt],
    ['an empty line asks for another name', ['Ada', ''], namePrompt],
    ['a taken name asks for another', ['Ada', 'wrong horse', 'wrong horse'], namePrompt],
    ['a common password asks for another', ['Bob', 'password', 'password'], passwordPrompt],
    ['a short password asks for another', ['Bob', 'short'], passwordPrompt],
    ['a dead token asks for the name', [`resume ${'x'.repeat(43)}`], namePrompt],
    ['a garbled token asks for the name', [`resume ${'ä'.repeat(43)}`], namePrompt],
  ])('%s', async (_, lines, prompt) => {
    const here = await setUp()
    await register(here.accounts)
    const line = new FakeSession('text').says(...lines).halfCloses()
    await serve(line, here)
    expect(line.sent.at(-1)).toBe(prompt)
    expect(line.sent.length).toBeGreaterThan(3)
    expect(line.sent.join()).not.toContain('\u001b')
    await here.accounts.close()
  })

  test('a code is asked for where registering needs one, until it is right', async () => {
    const here = await setUp({ mode: 'code', code: 'blue tiger' })
    const line = new FakeSession('text').says('Ada', password, password, 'a guess', 'Blue Tiger').halfCloses()
    await serve(line, here)
    const codePrompt = 'Registration code (an empty line for another name):'
    expect(line.sent.slice(3, 11)).toEqual([
      ...wrong,
      passwordPrompt,
      'Registering here needs a code; ask whoever runs this server for it.',
      codePrompt,
      'That is not the registration code.',
      codePrompt,
      'Welcome, Ada. You are registered.',
    ])
    const other = new FakeSession('text').says('Bob', password, password, '', 'Eve').halfCloses()
    await serve(other, here)
    expect(other.sent.slice(-3)).toEqual([codePrompt, namePrompt, passwordPrompt])
    await here.accounts.close()
  })

  test('nobody is asked to register where that is closed: the same password again is another try', async () => {
    const here = await setUp({ mode: 'closed' })
    const line = new FakeSession('text').says('Ada', password, password).halfCloses()
    await serve(line, here)
    const refusal = [
      'No user has this name and this password.',
      'Try another one, or an empty line for another name.',
      passwordPrompt,
    ]
    expect(line.sent.slice(3)).toEqual([...refusal, ...refusal])
    await here.accounts.close()
  })

  test('a token instead of a name goes on with the session', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeSession('text').says(`resume ${token}`, 'sessions', 'nonsense', 'logout 5', 'logout', 'exit')
    await serve(line, here)
    expect(line.sent.slice(2)).toEqual([
      'Welcome back, Ada. Your session goes on.',
      'Commands: whoami, sessions, logout [NUMBER|others|all], passwd, exit.',
      expect.stringMatching(/^\* session 1 from 192\.0\.2\.1, since/),
      'Commands: whoami, sessions, logout [NUMBER|others|all], passwd, exit.',
      'You have no session of that number.',
      'One session ended.',
      'netlab auth. "exit" leaves.',
      namePrompt,
      'Goodbye.',
    ])
    await here.accounts.close()
  })

  test.each([
    ['too short', 'x'.repeat(10)],
    ['a character short', 'x'.repeat(42)],
    ['too long', 'x'.repeat(44)],
  ])('bug: a token that is %s was taken for a name', async (_, token) => {
    const here = await setUp()
    const line = new FakeSession('text').says(`resume ${token}`, 'exit')
    await serve(line, here)
    expect(line.sent.slice(2, -1)).toEqual([
      'That is no token: one has 43 characters. Log in with name and password.',
      namePrompt,
    ])
    await here.accounts.close()
  })

  test('a token is taken with the quotation marks of the hint, and in any case', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    for (const text of [`"resume ${token}"`, `RESUME  ${token} `]) {
      const line = new FakeSession('text').says(text, 'exit')
      await serve(line, here)
      expect(line.sent[2]).toBe('Welcome back, Ada. Your session goes on.')
    }
    await here.accounts.close()
  })

  test('passwd asks for the old one and twice for the new one', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeSession('text').says(`resume ${token}`)
    line.says('passwd', password, '', 'passwd', password, 'battery staple', '')
    line.says('passwd', password, 'battery staple', 'battery stable')
    line.says('letmein1', 'letmein1')
    line.says('battery staple', 'battery staple', 'passwd now', 'exit')
    await serve(line, here)
    const [old, next, again] = [
      'Old password (visible here as you type; an empty line changes nothing):',
      'New password:',
      'New password again:',
    ]
    expect(line.sent.slice(4)).toEqual([
      ...[old, next, 'Nothing was changed.'],
      ...[old, next, again, 'Nothing was changed.'],
      ...[old, next, again, 'The two new passwords differ.'],
      ...[next, again, 'That password is one of the commonest; everyone who guesses tries it first.'],
      ...[next, again, 'The password is changed; 0 other sessions ended.'],
      accountCommands,
      'Goodbye.',
    ])
    await here.accounts.close()
  })

  test('passwd asks again after a wrong password: what is typed then is a password, too', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeSession('text').says(`resume ${token}`, 'passwd')
    line.says('wrong horse', 'battery staple', 'battery staple')
    line.says(password, 'battery staple', 'battery staple', 'exit')
    await serve(line, here)
    expect(line.sent.filter((one) => !one.endsWith(':')).slice(3)).toEqual([
      'That is not your password.',
      'The password is changed; 0 other sessions ended.',
      'Goodbye.',
    ])
    await here.accounts.close()
  })
})

describe('ident', () => {
  test('asks an unknown host for its name, and greets it by that from then on', async () => {
    const { accounts, clock } = await setUp()
    const first = new FakeSession('text').says('\u001b]0;x\u0007', 'Ada', 'Bob', 'whoami', 'exit')
    await identify(first, accounts, clock)
    expect(first.sent).toEqual([
      'netlab ident. "exit" leaves.',
      'What is your name?',
      'A name has no control characters and nothing invisible.',
      'What is your name?',
      'Nice to meet you, Ada.',
      'Commands: whoami, exit.',
      'Hello, Ada.',
      'Goodbye.',
    ])
    const again = new FakeSession('text', { address: '::ffff:192.0.2.7' }).halfCloses()
    await identify(again, accounts, clock)
    expect(again.sent.at(-1)).toBe('Hello, Ada.')
    await accounts.close()
  })

  test('bug: whoever never gave a name stayed for ever; a host that has one may', async () => {
    const { accounts, clock } = await setUp()
    const [silent, named] = [new FakeSession('text'), new FakeSession('text', { address: '192.0.2.8' }).says('Ada')]
    const conversations = [silent, named].map((line) => identify(line, accounts, clock))
    await Promise.all([silent.hears('What is your name?'), named.hears('Nice to meet you')])
    clock.advance(accountLimits.loginMs - 1)
    expect(silent.ended).toBeUndefined()
    clock.advance(1)
    expect(silent.sent.at(-1)).toBe('netlab: You took too long to give your name.')
    expect(silent.ended).toBe('no-login: it took too long')
    expect(silent.events).toEqual([expect.objectContaining({ type: 'login-failed', reason: 'deadline' })])
    expect(named.ended).toBeUndefined()
    named.halfCloses()
    await Promise.all(conversations)
    await accounts.close()
  })

  test('gives one address one name, whoever asks first, and says when a name is taken', async () => {
    const { accounts, clock } = await setUp()
    const lines = ['Ada', 'Bob'].map((name) => new FakeSession('frames').says({ type: 'name', name }, { type: 'exit' }))
    await Promise.all(lines.map((line) => identify(line, accounts, clock)))
    expect(lines.map((line) => line.messages[2])).toEqual([
      { type: 'greeting', name: 'Ada', isNew: true },
      { type: 'greeting', name: 'Ada', isNew: false },
    ])
    const other = new FakeSession('frames', { address: '192.0.2.8' }).says(
      { type: 'name', name: 'ADA' },
      { type: 'exit' },
    )
    await identify(other, accounts, clock)
    expect(other.messages.slice(1, 4)).toEqual([
      { type: 'ask', what: 'name', message: 'What is your name?' },
      { type: 'denied', reason: 'taken', message: 'That name is taken.' },
      { type: 'ask', what: 'name', message: 'What is your name?' },
    ])
    await accounts.close()
  })
})

describe('a password that the operator gave', () => {
  const next = 'better horse'

  async function reset() {
    const here = await setUp()
    await register(here.accounts)
    return { here, once: (await here.accounts.administration.reset({ name: 'Ada' })).password }
  }

  test('is good for one login in frames, which brings a new one, and is no failure', async () => {
    const { here, once } = await reset()
    const login = { type: 'login', name: 'Ada', password: once }
    const line = new FakeSession('frames').says(
      login,
      { ...login, new: once },
      { ...login, new: next },
      { type: 'exit' },
    )
    await serve(line, here)
    expect(line.messages).toMatchObject([
      { type: 'hello' },
      { type: 'denied', reason: 'must-change' },
      { type: 'denied', reason: 'bad-password' },
      { type: 'welcome', how: 'login', name: 'Ada' },
      { type: 'bye' },
    ])
    expect(line.events.map(({ type }) => type)).toEqual(['login-failed', 'password-changed', 'login'])
    await here.accounts.close()
  })

  test('is good for one login in lines, where the new one is asked for twice, until it is taken', async () => {
    const { here, once } = await reset()
    const line = new FakeSession('text').says(
      'Ada',
      once,
      'short',
      'short',
      next,
      'other horse',
      next,
      next,
      'whoami',
      'exit',
    )
    await serve(line, here)
    expect(line.sent.slice(2)).toEqual([
      passwordPrompt,
      'That password was given for one login: choose a new one.',
      'New password:',
      'New password again:',
      expect.stringMatching(/^A password has at least 8/),
      'New password:',
      'New password again:',
      'The two new passwords differ.',
      'New password:',
      'New password again:',
      'Welcome back, Ada.',
      expect.stringMatching(/^Next time "resume /),
      accountCommands,
      expect.stringMatching(/^Ada, session /),
      'Goodbye.',
    ])
    await here.accounts.close()
  })

  test('an empty line gives up, and another name may be given', async () => {
    const { here, once } = await reset()
    const line = new FakeSession('text').says('Ada', once, '', 'exit')
    await serve(line, here)
    expect(line.sent.slice(-3)).toEqual(['New password:', namePrompt, 'Goodbye.'])
    await here.accounts.close()
  })
})

describe('somebody who is logged in', () => {
  test.each(['frames', 'text'] as const)('in %s hears of another name, and goes on under it', async (dialect) => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeSession(dialect).says(
      ...(dialect === 'text' ? [`resume ${token}`] : [{ type: 'resume', token }]),
    )
    const over = serve(line, here)
    await line.hears(dialect === 'text' ? 'Commands' : 'welcome')
    expect(line.userName).toBe('Ada')
    await here.accounts.administration.rename({ old: 'Ada', name: 'Eva', space: 'users' })
    await line.hears(dialect === 'text' ? 'You are called Eva now.' : '{"type":"renamed","name":"Eva"}')
    expect(line.userName).toBe('Eva')
    line.says(...(dialect === 'text' ? ['logout'] : [{ type: 'logout' }]))
    await line.hears(dialect === 'text' ? 'One session ended.' : 'logged-out')
    expect([line.userName, line.events.at(-1)]).toEqual([
      undefined,
      expect.objectContaining({ type: 'logout', name: 'Eva' }),
    ])
    line.leaves()
    await over
    await here.accounts.close()
  })

  test('is told of a ban', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeSession('frames').says({ type: 'resume', token })
    const over = serve(line, here)
    await line.hears('welcome')
    await here.accounts.administration.ban({ whom: 'Ada', what: 'name', space: 'users' })
    await over
    expect(line.messages.at(-1)).toEqual({ type: 'bye', reason: 'banned', message: 'You are banned from this server.' })
    expect([line.ended, line.events.at(-1)?.type]).toEqual(['banned', 'session-banned'])
    const again = new FakeSession('frames').says({ type: 'login', ...ada }, { type: 'exit' })
    await serve(again, here)
    expect(again.messages[1]).toMatchObject({ type: 'denied', reason: 'banned' })
    await here.accounts.close()
  })
})
