import { describe, expect, test } from '@jest/globals'
import { accountCommands } from '../../src/accounts/server-text.ts'
import { namePrompt, password, passwordPrompt, register, serve, setUp, wrong } from './conversing.ts'
import { FakeLine } from './fake-line.ts'

describe('in lines', () => {
  test('an unknown name registers with the password twice, and can go on at once', async () => {
    const here = await setUp()
    const line = new FakeLine('text').says('Ada', password, password, 'whoami', 'exit')
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
    const line = new FakeLine('text').says('ADA', 'mistyped horse', password).halfCloses()
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
    const known = new FakeLine('text').says('Ada', 'wrong horse', 'other horse').halfCloses()
    const unknown = new FakeLine('text').says('Bob', 'wrong horse', 'other horse').halfCloses()
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
    const line = new FakeLine('text').says(...lines).halfCloses()
    await serve(line, here)
    expect(line.sent.at(-1)).toBe(prompt)
    expect(line.sent.length).toBeGreaterThan(3)
    expect(line.sent.join()).not.toContain('\u001b')
    await here.accounts.close()
  })

  test('a token instead of a name goes on with the session', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeLine('text').says(`resume ${token}`, 'sessions', 'nonsense', 'logout 5', 'logout', 'exit')
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
    const line = new FakeLine('text').says(`resume ${token}`, 'exit')
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
      const line = new FakeLine('text').says(text, 'exit')
      await serve(line, here)
      expect(line.sent[2]).toBe('Welcome back, Ada. Your session goes on.')
    }
    await here.accounts.close()
  })

  test('passwd asks for the old one and twice for the new one', async () => {
    const here = await setUp()
    const { token } = await register(here.accounts)
    const line = new FakeLine('text').says(`resume ${token}`)
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
    const line = new FakeLine('text').says(`resume ${token}`, 'passwd')
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
