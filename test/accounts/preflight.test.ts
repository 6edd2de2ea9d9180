import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { FileLock } from '../../src/accounts/file-lock.ts'
import { openAccounts } from '../../src/accounts/open-accounts.ts'
import { preflightStores } from '../../src/accounts/preflight.ts'
import { SqliteSessionStore } from '../../src/accounts/sqlite-session-store.ts'
import { systemClock } from '../../src/base/clock.ts'
import { limits } from '../../src/base/limits.ts'
import { processes } from '../../src/main/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const services = { clock: systemClock, processes }
const locks = (folder: string) => readdirSync(folder).filter((name) => name.includes('lock'))

function files() {
  const folder = temporaryFolder()
  return { folder, config: { usersPath: join(folder, 'users.json'), databasePath: join(folder, 'netlab.db') } }
}

test('stores are open for a moment, and nobody else may have them meanwhile', () => {
  const { folder, config } = files()
  expect(preflightStores(config, services)).toBe(true)
  expect(locks(folder)).toEqual([])
  const owner = FileLock.take(config.usersPath, { ...services.processes, pid: process.ppid }, '--users')
  expect(() => preflightStores(config, services)).toThrow('in use by another server')
  owner.release()
  expect(preflightStores(config, services)).toBe(true)
})

test('a large users file is left to its owner to read', () => {
  const { folder, config } = files()
  writeFileSync(join(folder, 'users.json'), 'x'.repeat(limits.usersReadTwiceBytes + 1))
  expect(preflightStores(config, services)).toBe(false)
  expect(locks(folder)).toEqual([])
})

test.each([
  ['users.json', 'is damaged at line 1'],
  ['netlab.db', 'file is not a database'],
])('a damaged %s is told, and nothing stays locked', (name, why) => {
  const { folder, config } = files()
  writeFileSync(join(folder, name), 'this is neither JSON nor a database, but a sentence')
  expect(() => preflightStores(config, services)).toThrow(why)
  expect(locks(folder)).toEqual([])
})

test('a session that can’t be read is told, and nothing stays locked', async () => {
  const { folder, config } = files()
  new SqliteSessionStore(config.databasePath, processes).close()
  const database = new DatabaseSync(config.databasePath)
  database.exec(`INSERT INTO session VALUES (${2n ** 60n}, 'hash', 'ada', '127.0.0.1', 1, 1)`)
  database.close()
  const times = { idleMs: 60_000, maxMs: 60_000 }
  const opened = openAccounts(
    { ...config, sessionTimes: times, hashWidth: 1 },
    { ...services, record: () => undefined },
  )
  await expect(opened).rejects.toMatchObject({ code: 'DATABASE' })
  expect(locks(folder)).toEqual([])
})
