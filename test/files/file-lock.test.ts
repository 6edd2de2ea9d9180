import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from '@jest/globals'
import { ownFile, tryFileLock, withFileLock } from '../../src/files/file-lock.ts'
import { LockHolder } from '../support/lock-holder.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'

const unshare = ['unshare', '--pid', '--uts', '--fork', '--kill-child']
const canUnshare = spawnSync('unshare', [...unshare.slice(1), 'true']).status === 0

function file(): string {
  return join(folder(), 'users.json')
}

function inFolder(path: string): string[] {
  return readdirSync(dirname(path)).sort()
}

describe('the lock of a file', () => {
  test('is had by one at a time, empty and private, and leaves nothing behind', () => {
    const path = file()
    const umask = process.umask(0o777)
    try {
      const lock = tryFileLock(path)
      expect(lock).toBeDefined()
      expect(tryFileLock(path)).toBeUndefined()
      expect(inFolder(path)).toEqual(['users.json.lock'])
      expect(statSync(`${path}.lock`)).toMatchObject({ mode: 0o100600, size: 0 })
      lock?.release()
      lock?.release()
      expect(inFolder(path)).toEqual([])
      tryFileLock(path)?.release()
      expect(inFolder(path)).toEqual([])
    } finally {
      process.umask(umask)
    }
  })

  test('is not lost to who tries it, in this or another process', async () => {
    const path = file()
    const lock = tryFileLock(path)
    for (let round = 0; round < 3; round++) expect(tryFileLock(path)).toBeUndefined()
    expect(await new LockHolder(path).said).toBe(`${path} is in use by another server`)
    lock?.release()
  })

  test.each(['.lock', '.owner'])('follows no link at FILE%s', (end) => {
    const path = file()
    const victim = join(dirname(path), 'victim')
    writeFileSync(victim, '')
    symlinkSync(victim, `${path}${end}`)
    if (end === '.lock') expect(() => ownFile(path, '--users')).toThrow('users.json.lock is not a regular file')
    else ownFile(path, '--users').release()
    expect(readFileSync(victim, 'utf8')).toBe('')
    expect(lstatSync(victim).isFile()).toBe(true)
  })

  test('is refused where the lock is a folder, or a file of something else', () => {
    const path = file()
    mkdirSync(`${path}.lock`)
    expect(() => tryFileLock(path)).toThrow('users.json.lock is not a regular file')
    rmSync(`${path}.lock`, { recursive: true })
    writeFileSync(`${path}.lock`, '4999991 77\n')
    expect(() => tryFileLock(path)).toThrow(
      expect.objectContaining({ code: 'IN_USE', message: `${path}.lock is no lock of this version of netlab` }),
    )
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe('4999991 77\n')
  })

  test('that was removed by hand and taken by another is not removed by giving ours back', () => {
    const path = file()
    const lock = tryFileLock(path)
    rmSync(`${path}.lock`)
    const other = tryFileLock(path)
    expect(other).toBeDefined()
    lock?.release()
    expect(tryFileLock(path)).toBeUndefined()
    expect(inFolder(path)).toEqual(['users.json.lock'])
    other?.release()
    expect(inFolder(path)).toEqual([])
  })

  test('is given back by a change that fails', () => {
    const path = file()
    const fail = () => {
      throw new Error('no')
    }
    expect(() => withFileLock(path, fail)).toThrow('no')
    expect(withFileLock(path, () => inFolder(path))).toEqual(['users.json.lock'])
    expect(inFolder(path)).toEqual([])
  })
})

describe('the owner of a file', () => {
  test('is named to the second one, also through a link, and leaves nothing behind', () => {
    const path = file()
    writeFileSync(path, '{}')
    symlinkSync(path, `${path}.link`)
    const lock = ownFile(path, '--users')
    expect(readFileSync(`${path}.owner`, 'utf8')).toBe(`${process.pid} ${hostname()}\n`)
    expect(statSync(`${path}.owner`).mode & 0o777).toBe(0o600)
    expect(() => ownFile(`${path}.link`, '--users')).toThrow(
      expect.objectContaining({
        code: 'IN_USE',
        exit: 74,
        message: `${path}.link is in use by another server (process ${process.pid})`,
        hint: 'Stop that server, or give this one a file of its own with --users.',
      }),
    )
    lock.release()
    expect(inFolder(path)).toEqual(['users.json', 'users.json.link'])
    ownFile(path, '--users').release()
  })

  test.each(['', 'nonsense\n', `${'9'.repeat(12)} host\n`, '17 a\u001b[31m\n'])(
    'is not named when it says %j',
    (text) => {
      const path = file()
      const lock = tryFileLock(path)
      writeFileSync(`${path}.owner`, text)
      expect(() => ownFile(path, '--users')).toThrow(
        expect.objectContaining({ message: `${path} is in use by another server` }),
      )
      lock?.release()
    },
  )

  test('is not named through a link, and a pipe in its place is not waited for', async () => {
    const path = file()
    const lock = tryFileLock(path)
    writeFileSync(join(dirname(path), 'other'), '17 host\n')
    symlinkSync('other', `${path}.owner`)
    expect(await new LockHolder(path).said).toBe(`${path} is in use by another server`)
    rmSync(`${path}.owner`)
    if (process.platform !== 'win32') execFileSync('mkfifo', [`${path}.owner`])
    expect(await new LockHolder(path).said).toBe(`${path} is in use by another server`)
    lock?.release()
  })

  test('that can not be noted does not get the lock', () => {
    const path = file()
    mkdirSync(join(`${path}.owner`, 'full'), { recursive: true })
    expect(() => ownFile(path, '--users')).toThrow(expect.objectContaining({ code: expect.stringMatching(/^E/) }))
    expect(inFolder(path)).toEqual(['users.json.owner'])
    tryFileLock(path)?.release()
  })

  test('keeps it from other processes, and once it is killed leaves nothing that hinders the next', async () => {
    const path = file()
    const other = new LockHolder(path)
    expect(await other.said).toBe('locked')
    expect(() => ownFile(path, '--users')).toThrow(`in use by another server (process ${other.pid})`)
    await other.end('SIGKILL')
    expect(inFolder(path)).toEqual(['users.json.lock', 'users.json.owner'])
    const lock = ownFile(path, '--users')
    expect(await new LockHolder(path).said).toBe(`${path} is in use by another server (process ${process.pid})`)
    lock.release()
    const next = new LockHolder(path)
    expect(await next.said).toBe('locked')
    await next.end()
    expect(inFolder(path)).toEqual([])
  })

  test('shares it with other threads of its process', async () => {
    const path = file()
    const lock = ownFile(path, '--users')
    const thread = new Worker(new URL('../support/lock-thread.ts', import.meta.url), { workerData: path })
    expect(await once(thread, 'message')).toEqual([{ locked: false, owned: true }])
    thread.postMessage('release')
    expect(await once(thread, 'message')).toEqual(['released'])
    expect(await new LockHolder(path).said).toBe(`${path} is in use by another server (process ${process.pid})`)
    lock.release()
    await thread.terminate()
    expect(inFolder(path)).toEqual([])
  })

  // Containers on one folder: each has processes of its own, from 1 on, and a name of its own.
  const inContainers = canUnshare ? test : test.skip
  inContainers('keeps it from another container in which it is process 1, too', async () => {
    const path = file()
    const inside = (name: string) => new LockHolder(path, [...unshare, 'sh', '-c', `hostname ${name}; exec "$@"`, 'sh'])
    const one = inside('one')
    expect(await one.said).toBe('locked')
    expect(readFileSync(`${path}.owner`, 'utf8')).toBe('1 one\n')
    expect(await inside('two').said).toBe(`${path} is in use by another server (process 1 on one)`)
    await one.end('SIGKILL')
    const three = inside('three')
    expect(await three.said).toBe('locked')
    await three.end()
    expect(inFolder(path)).toEqual([])
  })
})
