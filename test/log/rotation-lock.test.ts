import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { logLimits } from '../../src/log/limits.ts'
import { RotationLock } from '../../src/log/rotation-lock.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

let path = ''
let clock = new VirtualClock()

beforeEach(() => {
  path = join(temporaryFolder(), 'lock')
  clock = new VirtualClock()
})

describe('the rotation lock', () => {
  test('is had by one at a time', () => {
    const [first, second] = [new RotationLock(path, clock), new RotationLock(path, clock)]
    expect(first.acquire()).toBe(true)
    expect(second.acquire()).toBe(false)
    first.release()
    expect(second.acquire()).toBe(true)
    second.release()
    expect(existsSync(path)).toBe(false)
  })

  test('is taken over when it stands for too long, and not before', () => {
    writeFileSync(path, '')
    const lock = new RotationLock(path, clock)
    expect(lock.acquire()).toBe(false)
    clock.advance(logLimits.lockMs - 1)
    expect(lock.acquire()).toBe(false)
    clock.advance(1)
    expect(lock.acquire()).toBe(true)
    lock.release()
    expect(existsSync(path)).toBe(false)
  })

  test('of a process that takes its time is not removed by the one that lost it', () => {
    const [slow, heir] = [new RotationLock(path, clock), new RotationLock(path, clock)]
    expect(slow.acquire()).toBe(true)
    heir.acquire()
    clock.advance(logLimits.lockMs)
    expect(heir.acquire()).toBe(true)
    slow.release()
    expect(existsSync(path)).toBe(true)
    heir.release()
    expect(existsSync(path)).toBe(false)
  })

  test('that changes hands meanwhile is not stale', () => {
    const busy = new RotationLock(path, clock)
    const other = new RotationLock(path, clock)
    for (let round = 0; round < 5; round++) {
      expect(busy.acquire()).toBe(true)
      expect(other.acquire()).toBe(false)
      clock.advance(logLimits.lockMs - 1)
      busy.release()
    }
    rmSync(path, { force: true })
    expect(other.acquire()).toBe(true)
    other.release()
  })
})
