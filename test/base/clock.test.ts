import { describe, expect, test } from '@jest/globals'
import { Deadline, pause } from '../../src/base/clock.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

test('a deadline passes when its time is over, and then nothing is left', () => {
  const clock = new VirtualClock()
  const deadline = new Deadline(clock, 10)
  clock.advance(9)
  expect([deadline.leftMs, deadline.passed]).toEqual([1, false])
  clock.advance(1)
  expect([deadline.leftMs, deadline.passed]).toEqual([0, true])
  clock.advance(5)
  expect([deadline.leftMs, deadline.passed]).toEqual([0, true])
})

describe('a pause', () => {
  test('ends when its time is over', async () => {
    const clock = new VirtualClock()
    let over = false
    const paused = pause(clock, 10, undefined).then(() => {
      over = true
    })
    clock.advance(9)
    await Promise.resolve()
    expect(over).toBe(false)
    clock.advance(1)
    await paused
    expect(clock.pending).toBe(0)
  })

  test('ends when it is aborted, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const paused = pause(clock, 10, controller.signal)
    controller.abort()
    await paused
    expect(clock.pending).toBe(0)
    await pause(clock, 10, controller.signal)
    expect(clock.pending).toBe(0)
  })
})
