import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { AccountsThread } from '../../src/accounts/accounts-thread.ts'
import { accountLimits } from '../../src/accounts/limits.ts'
import { openAccounts } from '../../src/accounts/local-accounts.ts'
import { preflightStores } from '../../src/accounts/preflight.ts'
import { SqliteSessionStore } from '../../src/accounts/session-store.ts'
import { systemClock } from '../../src/base/clock.ts'
import { startThread } from '../../src/main/threads.ts'
import { LockHolder } from '../support/lock-holder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const services = { clock: systemClock, notice: () => undefined }
const locks = (folder: string) => readdirSync(folder).filter((name) => name.includes('lock'))

function files() {
  const folder = temporaryFolder()
  return { folder, config: { usersPath: join(folder, 'users.json'), databasePath: join(folder, 'netlab.db') } }
}

test('stores that were looked at are nobody else’s until they are released', async () => {
  const { folder, config } = files()
  const preflight = preflightStores(config, services)
  expect(preflight.complete).toBe(true)
  const stranger = new LockHolder(config.usersPath)
  expect(await stranger.said).toBe(`${config.usersPath} is in use by another server (process ${process.pid})`)
  preflight.release()
  expect(locks(folder)).toEqual([])
  preflightStores(config, services).release()
})

test('the thread that owns the stores shares their locks', async () => {
  const { folder, config } = files()
  const preflight = preflightStores(config, services)
  const given = { ...config, sessionTimes: { idleMs: 60_000, maxMs: 60_000 }, hashWidth: 1 }
  const thread = await AccountsThread.open(
    given,
    startThread,
    () => undefined,
    () => undefined,
  )
  expect(locks(folder)).toEqual(['netlab.db.lock', 'users.json.lock'])
  await thread.close()
  preflight.release()
  expect(locks(folder)).toEqual([])
})

test('a large users file is locked and left to its owner to read', () => {
  const { folder, config } = files()
  writeFileSync(join(folder, 'users.json'), 'x'.repeat(accountLimits.usersReadTwiceBytes + 1))
  const preflight = preflightStores(config, services)
  expect(preflight.complete).toBe(false)
  expect(locks(folder)).toEqual(['netlab.db.lock', 'users.json.lock'])
  preflight.release()
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
  new SqliteSessionStore(config.databasePath).close()
  const database = new DatabaseSync(config.databasePath)
  database.exec(`INSERT INTO session VALUES (${2n ** 60n}, 'hash', 'ada', '127.0.0.1', 1, 1, '', '')`)
  database.close()
  const times = { idleMs: 60_000, maxMs: 60_000 }
  const opened = openAccounts(
    { ...config, sessionTimes: times, hashWidth: 1 },
    { ...services, record: () => undefined },
  )
  await expect(opened).rejects.toMatchObject({ code: 'DATABASE' })
  expect(locks(folder)).toEqual([])
})
