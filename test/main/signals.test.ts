import { EventEmitter } from 'node:events'
import { describe, expect, jest, test } from '@jest/globals'
import type { ExitCode } from '../../src/base/errors.ts'
import { mainLimits } from '../../src/main/limits.ts'
import { followSignals, type OwnTerminal } from '../../src/main/signals.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function setup() {
  const source = new EventEmitter()
  const clock = new VirtualClock()
  const force = jest.fn<(exit: ExitCode) => void>()
  const terminal: { -readonly [K in keyof OwnTerminal]: OwnTerminal[K] } = { state: 'none', ignored: false }
  const { signal, onReload } = followSignals(source, clock, () => terminal, force)
  return { send: (name: NodeJS.Signals) => source.emit(name, name), clock, force, signal, onReload, terminal }
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

describe('SIGHUP to a command that can reload', () => {
  const { hangUpMs } = mainLimits

  test.each([
    // terminal when it comes, and a moment later, under nohup; ends, reloads
    ['none', 'none', false, false, 1],
    ['there', 'there', false, false, 1],
    ['gone', 'gone', false, true, 0],
    // A shell that says goodbye to its jobs, and then goes.
    ['there', 'gone', false, true, 1],
    ['there', 'gone', true, false, 1],
    ['gone', 'gone', true, false, 1],
  ] as const)(
    'with its terminal %s, then %s, nohup %s: it ends %s, after %d reloads',
    (first, later, ignored, ends, times) => {
      const { send, clock, signal, onReload, terminal, force } = setup()
      const reload = jest.fn()
      onReload(reload)
      Object.assign(terminal, { state: first, ignored })
      send('SIGHUP')
      expect(reload).toHaveBeenCalledTimes(times)
      Object.assign(terminal, { state: later })
      clock.advance(hangUpMs)
      expect(signal.aborted).toBe(ends)
      expect(force).not.toHaveBeenCalled()
    },
  )

  test('one that is ending already reads nothing again', () => {
    const { send, signal, onReload } = setup()
    const reload = jest.fn()
    onReload(reload)
    send('SIGTERM')
    send('SIGHUP')
    expect(signal.reason).toBe('SIGTERM')
    expect(reload).not.toHaveBeenCalled()
  })

  test('under nohup one that cannot reload goes on', () => {
    const { send, signal, terminal } = setup()
    terminal.ignored = true
    send('SIGHUP')
    expect(signal.aborted).toBe(false)
  })
})
