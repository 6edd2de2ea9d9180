import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { columns, describeOptions, wrap } from '../../src/options/help.ts'
import { choice, duration, flag, optional, path, port, text } from '../../src/options/kinds.ts'
import { option } from '../../src/options/spec.ts'

test('each option is one row: how it is written, what it does, its default, its variable', () => {
  const rows = describeOptions({
    port: option({ kind: port, summary: 'where to listen', default: 9007, alias: 'p' }),
    logTo: option<'file' | 'both'>({ kind: choice('file', 'both'), summary: 'where events go', default: 'file' }),
    idleTimeout: option({ kind: duration, summary: 'then cut off', default: 0, defaultText: 'off' }),
    users: option({ kind: optional(path), summary: 'who is known', default: undefined }),
    tls: option({ kind: flag, summary: 'encrypt', default: false }),
    console: option({ kind: flag, summary: 'read no operator commands', default: true }),
    target: option({ kind: text, summary: 'what to scan', default: '', repeatable: true }),
    password: option({ kind: text, summary: 'of the user', default: 'hidden', secret: true }),
  })
  expect(rows).toEqual([
    ['-p, --port PORT', 'where to listen (default 9007; NETLAB_PORT)'],
    ['    --log-to file|both', 'where events go (default file; NETLAB_LOG_TO)'],
    ['    --idle-timeout DURATION', 'then cut off (default off; NETLAB_IDLE_TIMEOUT)'],
    ['    --users FILE', 'who is known (NETLAB_USERS)'],
    ['    --tls', 'encrypt (NETLAB_TLS)'],
    ['    --no-console', 'read no operator commands (NETLAB_CONSOLE=no)'],
    ['    --target TEXT', 'what to scan (may be repeated; NETLAB_TARGET)'],
    ['NETLAB_PASSWORD', 'of the user (environment only)'],
  ])
})

describe('layout', () => {
  test('the right column is wrapped under itself, and a long term stands alone', () => {
    const rows = [
      ['-a', 'one two three four five six seven'],
      ['--a-very-long-option-with-a-long VALUE', 'eight'],
    ] as const
    expect(columns(rows, 50)).toBe(
      `  -a                            one two three four five\n${' '.repeat(32)}six seven\n` +
        `  --a-very-long-option-with-a-long VALUE\n${' '.repeat(32)}eight\n`,
    )
  })

  test('wrapping loses no word, and no line is wider than it may be unless it is one word', () => {
    const words = fc.array(fc.stringMatching(/^\S{1,30}$/), { minLength: 1 })
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (list, width) => {
        const lines = wrap(list.join(' '), width)
        expect(lines.join(' ')).toBe(list.join(' '))
        expect(lines.filter((line) => line.length > width && line.includes(' '))).toEqual([])
      }),
    )
  })
})
