import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { tryFileLock } from '../../src/files/file-lock.ts'
import { prepareSecretDatabase, readSecretFile, secretFileAt } from '../../src/files/secret-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const isWindows = process.platform === 'win32'
const isRoot = process.geteuid?.() === 0
const onUnix = isWindows ? test.skip : test
const asRoot = isRoot ? test : test.skip
const nobody = 65_534

function file(text = 'secret', mode = 0o600): string {
  const path = join(temporaryFolder(), 'secret')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe('a file with secrets', () => {
  test('is read, also by a link of our own', () => {
    const path = file('a\nb')
    expect(readSecretFile(path)).toBe('a\nb')
    symlinkSync(path, `${path}-link`)
    expect(readSecretFile(`${path}-link`)).toBe('a\nb')
  })

  test('that is not there is ENOENT, a folder EISDIR', () => {
    const folder = temporaryFolder()
    expect(() => readSecretFile(join(folder, 'no'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => readSecretFile(folder)).toThrow(expect.objectContaining({ code: 'EISDIR' }))
    expect(secretFileAt(join(folder, 'no'))).toBeUndefined()
  })

  onUnix.each([0o602, 0o606, 0o666, 0o622, 0o777])('of mode %o is refused: everyone may write it', (mode) => {
    expect(() => readSecretFile(file('x', mode))).toThrow(
      expect.objectContaining({ code: 'UNTRUSTED', exit: 74, hint: expect.stringContaining('chmod o-w') }),
    )
  })

  onUnix.each([0o400, 0o600, 0o640, 0o644, 0o660, 0o664])('of mode %o is read', (mode) => {
    expect(readSecretFile(file('x', mode))).toBe('x')
  })

  asRoot('of another user is refused, and so is a link of another user', () => {
    const path = file()
    chownSync(path, nobody, nobody)
    expect(() => readSecretFile(path)).toThrow(expect.objectContaining({ code: 'UNTRUSTED' }))
    const own = file()
    symlinkSync(own, `${own}-link`)
    lchownSync(`${own}-link`, nobody, nobody)
    expect(() => readSecretFile(`${own}-link`)).toThrow(expect.objectContaining({ code: 'UNTRUSTED' }))
  })

  onUnix('that is a FIFO is a sentence and not a wait; a socket and a device too', async () => {
    const folder = temporaryFolder()
    const fifo = join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    expect(() => readSecretFile(fifo)).toThrow(
      expect.objectContaining({ message: `${fifo} is a FIFO, not a regular file` }),
    )
    const path = join(folder, 'socket')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    expect(() => readSecretFile(path)).toThrow('is a socket')
    server.close()
    expect(() => readSecretFile('/dev/zero')).toThrow('is a device')
    for (const one of [fifo, '/dev/zero']) expect(() => prepareSecretDatabase(one)).toThrow('not a regular file')
  })
})

describe('a database with secrets', () => {
  test('is made for its owner alone, under any umask, and left as it is when it is there', () => {
    const path = join(temporaryFolder(), 'netlab.db')
    const before = process.umask(0)
    try {
      prepareSecretDatabase(path)
    } finally {
      process.umask(before)
    }
    if (!isWindows) expect(statSync(path).mode & 0o777).toBe(0o600)
    writeFileSync(path, 'x')
    prepareSecretDatabase(path)
    expect(readFileSync(path, 'utf8')).toBe('x')
  })

  onUnix('is not made where a planted link leads', () => {
    const folder = temporaryFolder()
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'netlab.db'))
    expect(() => prepareSecretDatabase(join(folder, 'netlab.db'))).toThrow()
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false)
  })

  asRoot.each(['-wal', '-shm', '-journal'])(
    'is refused with a %s of another user, which would be read with it',
    (suffix) => {
      const path = file()
      writeFileSync(`${path}${suffix}`, 'planted')
      chownSync(`${path}${suffix}`, nobody, nobody)
      expect(() => prepareSecretDatabase(path)).toThrow(expect.objectContaining({ code: 'UNTRUSTED' }))
    },
  )
})

asRoot('a lock that another user made is not opened', () => {
  const path = file()
  writeFileSync(`${path}.lock`, '')
  chownSync(`${path}.lock`, nobody, nobody)
  expect(() => tryFileLock(path)).toThrow(expect.objectContaining({ code: 'IN_USE' }))
})
