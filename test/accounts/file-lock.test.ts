import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { FileLock } from '../../src/accounts/file-lock.ts'
import { processes as thisProcess } from '../../src/main/processes.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'
import { processes } from './support.ts'

/** Above Linux's largest pid, so that /proc knows nothing of them. */
const [one, two, three] = [4_999_991, 4_999_992, 4_999_993]

describe('a file lock', () => {
  test('names its owner, refuses a second one, and leaves nothing behind', () => {
    const path = join(folder(), 'users.json')
    const lock = FileLock.take(path, processes(one, two), '--users')
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(`${one} 0\n`)
    expect(() => FileLock.take(path, processes(two, one), '--users')).toThrow(
      `in use by another server (process ${one})`,
    )
    expect(() => FileLock.take(path, processes(one), '--users')).toThrow('in use by another server')
    expect(readdirSync(join(path, '..'))).toEqual(['users.json.lock'])
    lock.release()
    expect(readdirSync(join(path, '..'))).toEqual([])
    FileLock.take(path, processes(two), '--users').release()
  })

  test.each([
    ['a dead owner', `${one} 0\n`],
    ['a dead owner with our pid', `${two} 0\n`],
    ['a live process that only has the pid of a dead owner', `${process.pid} 1\n`],
    ['nobody', ''],
    ['nonsense', 'nonsense\n'],
  ])('left by %s is taken over', (_, content) => {
    const path = join(folder(), 'users.json')
    writeFileSync(`${path}.lock`, content)
    const lock = FileLock.take(path, processes(two, process.pid), '--users')
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(`${two} 0\n`)
    expect(readdirSync(join(path, '..'))).toEqual(['users.json.lock'])
    lock.release()
  })

  test('of another thread of this process is taken over, once', () => {
    const path = join(folder(), 'users.json')
    const elsewhere = FileLock.take(path, thisProcess, '--users')
    const content = readFileSync(`${path}.lock`, 'utf8')
    elsewhere.release()
    writeFileSync(`${path}.lock`, content)
    const lock = FileLock.take(path, thisProcess, '--users')
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(content)
    expect(() => FileLock.take(path, thisProcess, '--users')).toThrow('in use by another server')
    lock.release()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  test('is not taken over while another does just that, unless that one died in it', () => {
    const path = join(folder(), 'users.json')
    writeFileSync(`${path}.lock`, `${one} 0\n`)
    writeFileSync(`${path}.lock.takeover`, `${three} 0\n`)
    const alive = processes(two, three)
    expect(() => FileLock.take(path, alive, '--users')).toThrow('in use by another server (process 4999993)')
    utimesSync(`${path}.lock.takeover`, 1, 1)
    FileLock.take(path, alive, '--users').release()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  test('bug: a server killed while it took a lock over kept others away for ten seconds, and its files for ever', () => {
    const path = join(folder(), 'users.json')
    for (const name of ['lock', 'lock.takeover', `lock.${one}`]) writeFileSync(`${path}.${name}`, `${one} 0\n`)
    writeFileSync(`${path}.lock.takeover.${three}`, `${three} 0\n`)
    const lock = FileLock.take(path, processes(two), '--users')
    expect(readdirSync(join(path, '..'))).toEqual(['users.json.lock'])
    lock.release()
  })

  test('of another is not removed by giving ours back', () => {
    const path = join(folder(), 'users.json')
    const lock = FileLock.take(path, processes(two), '--users')
    writeFileSync(`${path}.lock`, `${one} 0\n`)
    lock.release()
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(`${one} 0\n`)
  })
})
