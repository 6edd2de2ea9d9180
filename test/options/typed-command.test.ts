import { expect, test } from '@jest/globals'
import { completeUsage, noCommand } from '../../src/options/typed-command.ts'

const usages = ['clients', 'clear logs|users', 'kick ID', 'logs [N]']

test.each([
  ['cl', ['clients ', 'clear logs ', 'clear users ']],
  ['clear ', ['clear logs ', 'clear users ']],
  ['clear u', ['clear users ']],
  ['ki', ['kick ']],
  ['lo', ['logs ']],
  ['kick 1', []],
  ['x', []],
  ['', []],
])('Tab after "%s"', (typed, found) => {
  expect(completeUsage(typed, usages)).toEqual({ word: typed, found })
})

test('a word that is nearly a command is told which', () => {
  const names = ['help', 'status']
  expect(noCommand('Halp', names)).toBe('"Halp" is no command; did you mean help? "help" shows what you can type here')
  expect(noCommand('frobnicate', names)).toBe('"frobnicate" is no command; "help" shows what you can type here')
})
