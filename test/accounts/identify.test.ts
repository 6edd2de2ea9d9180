import { describe, expect, test } from '@jest/globals'
import { identify } from '../../src/accounts/identify.ts'
import { setUp } from './conversing.ts'
import { FakeLine } from './fake-line.ts'

describe('ident', () => {
  test('asks an unknown host for its name, and greets it by that from then on', async () => {
    const { accounts } = await setUp()
    const first = new FakeLine('text').says('\u001b]0;x\u0007', 'Ada', 'Bob', 'whoami', 'exit')
    await identify(first, accounts)
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
    const again = new FakeLine('text', { address: '::ffff:192.0.2.7' }).halfCloses()
    await identify(again, accounts)
    expect(again.sent.at(-1)).toBe('Hello, Ada.')
    await accounts.close()
  })

  test('gives one address one name, whoever asks first, and says when a name is taken', async () => {
    const { accounts } = await setUp()
    const lines = ['Ada', 'Bob'].map((name) => new FakeLine('frames').says({ type: 'name', name }, { type: 'exit' }))
    await Promise.all(lines.map((line) => identify(line, accounts)))
    expect(lines.map((line) => line.messages[2])).toEqual([
      { type: 'greeting', name: 'Ada', isNew: true },
      { type: 'greeting', name: 'Ada', isNew: false },
    ])
    const other = new FakeLine('frames', { address: '192.0.2.8' }).says({ type: 'name', name: 'ADA' }, { type: 'exit' })
    await identify(other, accounts)
    expect(other.messages.slice(1, 4)).toEqual([
      { type: 'ask', what: 'name', message: 'What is your name?' },
      { type: 'denied', reason: 'taken', message: 'That name is taken.' },
      { type: 'ask', what: 'name', message: 'What is your name?' },
    ])
    await accounts.close()
  })
})
