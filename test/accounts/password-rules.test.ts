import { describe, expect, test } from '@jest/globals'
import { commonPasswords } from '../../src/accounts/common-passwords.ts'
import { attemptFault, passwordBytes, passwordFault } from '../../src/accounts/password-rules.ts'

describe('a new password', () => {
  test.each([
    ['x'.repeat(7), 'short'],
    ['ééé', 'short'],
    ['éééé', undefined],
    ['correct horse', undefined],
    ['pa\0ss\u001bword', undefined],
    ['x'.repeat(1024), undefined],
    ['x'.repeat(1025), 'long'],
    ['é'.repeat(513), 'long'],
    ['x'.repeat(10_000_000), 'long'],
    ['password', 'common'],
    ['PassWord123', 'common'],
    ['1Q2w3e4r', 'common'],
    ['p\ufffdssword with umlaut', 'encoding'],
    ['p\ud800ssword with half a character', 'encoding'],
    ['ada lovelace', 'name'],
    ['ADA LOVELACE', 'name'],
  ])('%#: %s', (password, fault) => {
    expect(passwordFault(password, 'Ada Lovelace')).toBe(fault)
  })

  test('is the same whichever way its accents were typed', () => {
    expect(passwordBytes('caf\u0065\u0301 noir')).toEqual(passwordBytes('café noir'))
  })

  test('is only measured when it is an attempt', () => {
    expect([attemptFault('password'), attemptFault('short'), attemptFault('x'.repeat(1025))]).toEqual([
      undefined,
      'short',
      'long',
    ])
  })
})

test('every listed password is long enough to be refused by the list and nothing else, and in lower case', () => {
  for (const word of commonPasswords) {
    expect(word).toBe(word.toLowerCase())
    expect(passwordFault(word, 'ada')).toBe('common')
  }
})
