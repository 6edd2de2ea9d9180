import { describe, expect, test } from '@jest/globals'
import type { SessionInfo } from '../../src/accounts/accounts.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import {
  type LoginEffect,
  type LoginInput,
  type LoginState,
  loginStart,
  loginStep,
  refusePlaintext,
} from '../../src/accounts/login.ts'

const session: SessionInfo = { id: 3, user: 'Ada', address: '192.0.2.7', createdMs: 1, usedMs: 1, expiresMs: 2 }
const credentials = { name: 'Ada', password: 'correct horse' }

/** Runs inputs through the machine; answers the effects of the last one. */
function run(...inputs: LoginInput[]): { state: LoginState; effects: readonly LoginEffect[] } {
  let step: { state: LoginState; effects: readonly LoginEffect[] } = { state: loginStart, effects: [] }
  for (const input of inputs) step = loginStep(step.state, input)
  return step
}

/** `send denied wrong`, `record login`, `call login` … */
function brief(effects: readonly LoginEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.do === 'send')
      return `send ${effect.message.type}${'reason' in effect.message ? ` ${effect.message.reason}` : ''}`
    if (effect.do === 'call') return `call ${effect.method}`
    if (effect.do === 'record')
      return `record ${effect.event.type}${'reason' in effect.event ? ` ${effect.event.reason}` : ''}`
    return effect.do === 'end' ? `end ${effect.reason}` : effect.do
  })
}

const message = (one: Extract<LoginInput, { kind: 'message' }>['message']): LoginInput => ({
  kind: 'message',
  message: one,
})
const outcome = (one: Extract<LoginInput, { kind: 'outcome' }>['outcome']): LoginInput => ({
  kind: 'outcome',
  outcome: one,
})
const login = message({ type: 'login', ...credentials })
const welcome = outcome({ kind: 'welcome', session, account: 'id', token: 'T', delayedMs: 0 })

describe('the login, as a machine', () => {
  test.each<[string, LoginInput[], string[]]>([
    ['hello', [message({ type: 'hello' })], []],
    ['exit', [message({ type: 'exit' })], ['send bye exit', 'end exit']],
    ['a login', [login], ['call login']],
    ['a registration', [message({ type: 'register', ...credentials })], ['call register']],
    ['a token', [message({ type: 'resume', token: 'T' })], ['call resume']],
    [
      'an impossible name',
      [message({ type: 'login', name: '\u001b[2J', password: 'x' })],
      ['record login-failed name', 'send denied bad-name'],
    ],
    ['the right password', [login, welcome], ['record login', 'send welcome', 'enter']],
    [
      'a new user',
      [message({ type: 'register', ...credentials }), welcome],
      ['record registered', 'record login', 'send welcome', 'enter'],
    ],
    [
      'a session',
      [message({ type: 'resume', token: 'T' }), outcome({ kind: 'welcome', session, account: 'id', delayedMs: 0 })],
      ['record session-resumed', 'send welcome', 'enter'],
    ],
    [
      'the right password after a wait',
      [login, outcome({ kind: 'welcome', session, account: 'id', token: 'T', delayedMs: 1500 })],
      ['record throttled', 'record login', 'send welcome', 'enter'],
    ],
    [
      'a wrong password',
      [login, outcome({ kind: 'wrong', account: 'Ada', delayedMs: 0 })],
      ['record login-failed credentials', 'send denied wrong'],
    ],
    [
      'an ended session',
      [message({ type: 'resume', token: 'T' }), outcome({ kind: 'no-session', why: 'expired' })],
      ['record login-failed token-expired', 'send denied no-session'],
    ],
    [
      'a queue that is full',
      [login, outcome({ kind: 'busy', retryMs: 4000 })],
      ['record login-failed busy', 'send denied busy'],
    ],
    [
      'too many failures',
      [login, outcome({ kind: 'throttled', retryMs: 1, by: 'source' })],
      ['record throttled', 'send denied throttled'],
    ],
    ['a full disk', [login, outcome({ kind: 'storage' })], ['record login-failed storage', 'send denied storage']],
    ['a name that is taken', [login, outcome({ kind: 'taken' })], ['record login-failed taken', 'send denied taken']],
    [
      'silence',
      [login, outcome({ kind: 'busy', retryMs: 1 }), { kind: 'deadline' }],
      ['record login-failed deadline', 'send bye deadline', 'end no-login'],
    ],
  ])('%s', (_, inputs, effects) => {
    expect(brief(run(...inputs).effects)).toEqual(effects)
  })

  test('tells an unknown name and a wrong password alike', () => {
    const told = [{ account: 'Ada' }, {}].map((known) =>
      run(login, outcome({ kind: 'wrong', delayedMs: 0, ...known })).effects.filter((effect) => effect.do === 'send'),
    )
    expect(told[0]).toEqual(told[1])
  })

  test('records the name of an account that exists, and never what else was typed', () => {
    const typed = message({ type: 'login', name: 'hunter2 hunter2', password: 'hunter2 hunter2' })
    expect(JSON.stringify(run(typed, outcome({ kind: 'wrong', delayedMs: 0 })).effects)).not.toContain('hunter2')
    const known = run(login, outcome({ kind: 'wrong', account: 'Ada', delayedMs: 0 }))
    expect(known.effects[0]).toEqual({
      do: 'record',
      event: { type: 'login-failed', reason: 'credentials', name: 'Ada' },
    })
  })

  test('normalises the name it asks for', () => {
    const { effects } = run(message({ type: 'login', name: 'U\u0308nal', password: 'x' }))
    expect(effects).toEqual([{ do: 'call', method: 'login', name: 'Ünal', password: 'x' }])
  })

  test('sends someone away after too many failures, and not before', () => {
    const wrong = outcome({ kind: 'wrong', delayedMs: 0 })
    const rounds = (count: number) => brief(run(...Array.from({ length: count }, () => [login, wrong]).flat()).effects)
    expect(rounds(accountLimits.loginAttempts - 1)).not.toContain('end no-login')
    expect(rounds(accountLimits.loginAttempts).slice(-3)).toEqual([
      'record login-failed attempts',
      'send bye attempts',
      'end no-login',
    ])
  })

  test('turns away whoever could be overheard, and says how to connect', () => {
    const effects = refusePlaintext('192.0.2.7', true)
    expect(brief(effects)).toEqual(['record login-failed plaintext', 'send bye plaintext', 'end no-login'])
    expect(JSON.stringify(effects)).toContain('with \\"netlab connect --tls\\"')
  })

  test('bug: whoever could be overheard was sent to use TLS where the server had none', () => {
    const effects = JSON.stringify(refusePlaintext('192.0.2.7', false))
    expect(effects).not.toContain('netlab connect')
    expect(effects).toContain('started without TLS. Its operator can start it with --tls')
  })
})
