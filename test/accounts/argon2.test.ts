import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { argon2Hasher, nodeArgon2 } from '../../src/accounts/argon2.ts'
import { attemptFault, commonPasswords, passwordBytes, passwordFault } from '../../src/accounts/password-rules.ts'
import { projectRoot } from '../support/executable.ts'

const hasherFile = join(projectRoot, 'src', 'accounts', 'argon2.ts')
const small = argon2Hasher({ memoryKib: 64, passes: 2, lanes: 1 })

test('a hash names its algorithm and parameters, and is salted', async () => {
  const hashes = await Promise.all([argon2Hasher().hash('correct horse'), argon2Hasher().hash('correct horse')])
  for (const hash of hashes) expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  expect(hashes[0]).not.toBe(hashes[1])
})

test('a password verifies against its hash, also one of other parameters, and no other does', async () => {
  const hash = await small.hash('caf\u0065\u0301 noir')
  expect(await argon2Hasher().verify(hash, 'café noir')).toBe(true)
  expect(await small.verify(hash, 'cafe noir')).toBe(false)
  expect(await small.verify(hash, 'café noir\0')).toBe(false)
})

test('a hash of other parameters is outdated', async () => {
  const hash = await small.hash('correct horse')
  expect([await small.isOutdated(hash), await argon2Hasher().isOutdated(hash)]).toEqual([false, true])
})

test('a decoy looks like any hash, and no password verifies against it', async () => {
  const decoy = small.decoy()
  const parts = (hash: string) =>
    hash.split('$').map((part) => part.replace(/^[\w+/]{22,}$/, (text) => `${text.length}`))
  expect(parts(decoy)).toEqual(parts(await small.hash('correct horse')))
  expect(await small.verify(decoy, '')).toBe(false)
  expect(await small.verify(decoy, 'correct horse')).toBe(false)
  expect(await small.isOutdated(decoy)).toBe(false)
  expect(small.decoy()).not.toBe(decoy)
})

test("bug: where the package's addon can't be loaded, as with glibc before 2.34, nobody could log in", () => {
  const program = `
    process.dlopen = () => {
      throw new Error("version 'GLIBC_2.34' not found")
    }
    const { argon2Hasher } = await import(${JSON.stringify(hasherFile)})
    const hasher = argon2Hasher({ memoryKib: 64, passes: 2, lanes: 1 })
    const hash = await hasher.hash('correct horse')
    console.log(hash, await hasher.verify(hash, 'correct horse'), await hasher.verify(hash, 'correct house'))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env: {} })
  expect(said).toMatch(/^\$argon2id\$v=19\$m=64,t=2,p=1\$[\w+/]{22}\$[\w+/]{43} true false\n$/)
})

test('a hash by the package and one by Node are each good for the other', async () => {
  const own = nodeArgon2()
  for (const parameters of [
    { memoryKib: 64, passes: 2, lanes: 1 },
    { memoryKib: 100, passes: 1, lanes: 3 },
  ]) {
    const password = 'caf\u0065\u0301 noir'
    const [packaged, ours] = [
      await argon2Hasher(parameters).hash(password),
      await own?.hash(Buffer.from('café noir'), parameters),
    ]
    expect(ours).toMatch(/^\$argon2id\$/)
    expect(await small.verify(ours ?? '', password)).toBe(true)
    expect(await small.verify(ours ?? '', 'cafe noir')).toBe(false)
    expect(await own?.verify(packaged, Buffer.from('café noir'))).toBe(true)
    expect(await own?.verify(packaged, Buffer.from('cafe noir'))).toBe(false)
  }
})

test('what is no hash is no reason to let anybody in', async () => {
  for (const text of [
    '',
    '$argon2i$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$dGFndGFndGFn',
    '$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$',
  ]) {
    await expect(nodeArgon2()?.verify(text, Buffer.from(''))).rejects.toThrow(TypeError)
    await expect(small.isOutdated(text)).rejects.toThrow(TypeError)
  }
})

const glibc = process.platform === 'linux' && JSON.stringify(process.report.getReport()).includes('glibcVersionRuntime')

;(glibc ? test : test.skip)(
  `bug: 19 MiB stayed for every thread that ever hashed${glibc ? '' : ' (skipped: no glibc)'}`,
  () => {
    // In a process of its own, with nothing else in its memory; 16 hashes visit each of the four threads.
    const program = `
    const { argon2Hasher } = await import(${JSON.stringify(hasherFile)})
    const hasher = argon2Hasher()
    const hash = () => hasher.hash('correct horse battery')
    await hash()
    const before = process.memoryUsage.rss()
    await Promise.all(Array.from({ length: 16 }, hash))
    console.log(Math.round((process.memoryUsage.rss() - before) / 2 ** 20))`
    const grown = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env: {} })
    expect(Number(grown)).toBeLessThan(35)
  },
)

describe('a new password', () => {
  test.each([
    ['x'.repeat(7), 'short'],
    ['ééé', 'short'],
    // Eight bytes each, and four characters: they passed.
    ['éééé', 'short'],
    ['мама', 'short'],
    ['семь букв'.slice(0, 7), 'short'],
    ['n\u0303'.repeat(4), 'short'],
    ['🐎🐎🐎🐎', 'short'],
    ['восемь б', undefined],
    ['🐎🔋📎⚓🐎🔋📎⚓', undefined],
    ['correct horse', undefined],
    ['pa\0ss\u001bword', undefined],
    ['xy'.repeat(512), undefined],
    ['x'.repeat(1025), 'long'],
    ['é'.repeat(513), 'long'],
    ['x'.repeat(10_000_000), 'long'],
    ['password', 'common'],
    ['PassWord123', 'common'],
    ['1Q2w3e4r', 'common'],
    ['Пароль123', 'common'],
    ['ЙЦУКЕНГШ', 'common'],
    ['gfhjkm123', 'common'],
    ['зфыыцщкв123', 'common'],
    ['яяяяяяяяя', 'common'],
    ['🐎'.repeat(9), 'common'],
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

  test('is the same with any space that a keyboard has, and wide letters stay wide (RFC 8265 4.2 says C, not KC)', () => {
    expect(passwordBytes('correct\u00a0horse\u3000battery')).toEqual(passwordBytes('correct horse battery'))
    expect(passwordBytes('ｐａｓｓ')).not.toEqual(passwordBytes('pass'))
  })

  test('is only measured when it is an attempt, as it was when it was chosen', () => {
    const attempts = ['password', 'мама', 'short', 'x'.repeat(1025)]
    expect(attempts.map(attemptFault)).toEqual([undefined, undefined, 'short', 'long'])
  })
})

test('a password with a space of another kind goes on, though it was hashed as it was typed', async () => {
  const { hash, argon2id: type } = (await import('argon2')).default
  const parameters = { memoryCost: 64, timeCost: 2, parallelism: 1, type }
  const older = await hash(Buffer.from('correct\u00a0horse'), parameters)
  expect(await small.verify(older, 'correct\u00a0horse')).toBe(true)
  expect(await small.verify(older, 'correct horse')).toBe(false)
  expect(await small.verify(await small.hash('correct\u00a0horse'), 'correct horse')).toBe(true)
})

test('every listed password is long enough to be refused by the list and nothing else, and in lower case', () => {
  for (const word of commonPasswords) {
    expect(word).toBe(word.toLowerCase())
    expect(passwordFault(word, 'ada')).toBe('common')
  }
})
