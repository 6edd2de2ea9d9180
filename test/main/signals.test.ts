import { EventEmitter } from 'node:events'
import { expect, jest, test } from '@jest/globals'
import type { ExitCode } from '../../src/base/errors.ts'
import { mainLimits } from '../../src/main/limits.ts'
import { abortOnSignals } from '../../src/main/signals.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function setup() {
  const source = new EventEmitter()
  const clock = new VirtualClock()
  const force = jest.fn<(exit: ExitCode) => void>()
  const signal = abortOnSignals(source, clock, force)
  return { send: (name: NodeJS.Signals) => source.emit(name, name), clock, force, signal }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('the first %s asks to end, with its name', (name) => {
  const { send, force, signal } = setup()
  expect(signal.aborted).toBe(false)
  send(name)
  expect(signal.reason).toBe(name)
  expect(force).not.toHaveBeenCalled()
})

test.each([
  ['SIGINT', 'SIGINT', 130],
  ['SIGTERM', 'SIGINT', 130],
  ['SIGINT', 'SIGTERM', 143],
  ['SIGHUP', 'SIGTERM', 143],
] as const)('%s, then %s forces the end with %d', (first, second, exit) => {
  const { send, clock, force } = setup()
  send(first)
  clock.advance(mainLimits.sameSignalMs)
  send(second)
  expect(force.mock.calls).toEqual([[exit]])
})

test('one Ctrl-C that arrives twice, through npm and the terminal, is one', () => {
  const { send, clock, force } = setup()
  send('SIGINT')
  clock.advance(mainLimits.sameSignalMs - 1)
  send('SIGINT')
  expect(force).not.toHaveBeenCalled()
})

test('a terminal that goes away says so several times, and what ends in order because of that is not cut off', () => {
  const { send, clock, force } = setup()
  send('SIGHUP')
  clock.advance(mainLimits.sameSignalMs)
  send('SIGHUP')
  expect(force).not.toHaveBeenCalled()
})
