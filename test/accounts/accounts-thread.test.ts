import { EventEmitter } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, test } from '@jest/globals'
import { type Accounts, SessionNotifier } from '../../src/accounts/accounts.ts'
import {
  AccountsThread,
  type OwnedAccounts,
  RemoteAccounts,
  runAccountsThread,
  serveAccounts,
} from '../../src/accounts/accounts-thread.ts'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import { openRpc } from '../../src/base/rpc.ts'
import type { Thread } from '../../src/base/threads.ts'
import { startThread } from '../../src/main/threads.ts'
import { turnUntil } from '../support/event-loop.ts'
import { temporaryFolder as folder } from '../support/temporary-folder.ts'

// Threads start slowly when others keep the machine busy.
const sessionTimes = { idleMs: 60_000, maxMs: 60_000 }
const unexpected = (error: Error) => {
  throw error
}
const ada = { name: 'Ada', password: 'correct horse', address: '192.0.2.7' }

describe('accounts of another thread', () => {
  test('register, resume, are revoked, cleared and closed', async () => {
    const path = folder()
    const events: NetlabEvent[] = []
    const config = {
      usersPath: join(path, 'users.json'),
      databasePath: join(path, 'netlab.db'),
      sessionTimes,
      hashWidth: 1,
    }
    const thread = await AccountsThread.open(config, startThread, (event) => events.push(event), unexpected)
    const [one, other] = [remote(thread), remote(thread)]
    const welcome = await one.register(ada)
    if (welcome.kind !== 'welcome') throw new Error(welcome.kind)
    const { session, token = '' } = welcome
    expect(await other.resume({ token })).toMatchObject({ kind: 'welcome', session: { id: session.id } })
    const revoked = new Promise<void>((resolve) => other.onEnd(session.id, () => resolve()))
    expect(await one.logout({ session: session.id, which: 'all' })).toEqual({ kind: 'logged-out', count: 1 })
    await revoked
    expect(readFileSync(config.usersPath, 'utf8')).toContain('Ada')
    expect(await thread.administer('clear', undefined)).toBe(1)
    await thread.close()
    expect(events).toEqual([{ type: 'users-cleared', count: 1 }])
    expect(readdirSync(path).sort()).toEqual(['netlab.db', 'users.json', 'users.json.bak'])
    await expect(one.resume({ token })).rejects.toThrow('the thread at the other end has ended')
  })

  test('tell the server when their thread dies (it went on and let nobody in any more)', async () => {
    const thread = new EventEmitter()
    const worker: Thread = Object.assign(thread, {
      postMessage: ({ id }: { readonly id: number }) => thread.emit('message', { answer: id, result: undefined }),
      terminate: async () => undefined,
      ref: () => undefined,
      unref: () => undefined,
    })
    const failures: string[] = []
    const config = { usersPath: 'users.json', sessionTimes, hashWidth: 1 }
    const opening = AccountsThread.open(
      config,
      () => worker,
      () => undefined,
      ({ message }) => failures.push(message),
    )
    await opening
    thread.emit('error', new Error('out of memory'))
    expect(failures).toEqual(['out of memory'])
  })

  test('bug: a server that was stopped while argon2 was loaded aborted: the thread ends once that is done', async () => {
    const loading = Promise.withResolvers<void>()
    const { port1, port2 } = new MessageChannel()
    const hasher = { ...argon2Hasher(), load: () => loading.promise }
    runAccountsThread(port2, { clock: systemClock, hasher })
    const owner = openRpc(port1, {})
    await owner.request('open', { usersPath: join(folder(), 'users.json'), sessionTimes, hashWidth: 1 })
    const ended: string[] = []
    const closed = owner.request('close', undefined).then(() => ended.push('closed'))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    ended.push('loaded')
    loading.resolve()
    await closed
    port1.close()
    expect(ended).toEqual(['loaded', 'closed'])
  })

  test('say why they can not be opened, as if it were here', async () => {
    const usersPath = join(folder(), 'users.json')
    writeFileSync(usersPath, '{"version": 1,\n "hosts"')
    await expect(
      AccountsThread.open({ usersPath, sessionTimes, hashWidth: 1 }, startThread, () => {}, unexpected),
    ).rejects.toMatchObject({ code: 'DAMAGED', exit: 74, message: expect.stringContaining('line 2, column 9') })
  })
})

function remote(thread: AccountsThread): RemoteAccounts {
  const { port1, port2 } = new MessageChannel()
  thread.attach(port2)
  return new RemoteAccounts(port1)
}

describe('the messages between them', () => {
  /** An owner that answers nothing but `login`, when told to. */
  function owner() {
    const seen: { request?: unknown; left?: Promise<void> } = {}
    const answer = Promise.withResolvers<{ readonly kind: 'left' }>()
    const login: Accounts['login'] = (request, signal) => {
      seen.request = request
      seen.left = new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
      return answer.promise
    }
    const accounts = {
      login,
      sessionEnds: new SessionNotifier(),
      sessionNames: new SessionNotifier(),
    } as unknown as OwnedAccounts
    return { accounts, seen, answer }
  }

  test('carry the news that a client left', async () => {
    const { accounts, seen, answer } = owner()
    const { port1, port2 } = new MessageChannel()
    serveAccounts(port2, accounts)
    const leaving = new AbortController()
    const login = new RemoteAccounts(port1).login(ada, leaving.signal)
    await turnUntil(() => seen.left !== undefined, 'the login')
    leaving.abort()
    await seen.left
    answer.resolve({ kind: 'left' })
    expect(await login).toEqual({ kind: 'left' })
    expect(seen.request).toEqual(ada)
    port1.close()
  })

  test('carry a fault', async () => {
    const { accounts, answer } = owner()
    const { port1, port2 } = new MessageChannel()
    serveAccounts(port2, accounts)
    const login = new RemoteAccounts(port1).login(ada)
    answer.reject(new Error('out of memory'))
    await expect(login).rejects.toThrow('out of memory')
    port1.close()
  })

  test('end on both sides when a thread goes away', async () => {
    const { accounts, seen } = owner()
    const { port1, port2 } = new MessageChannel()
    serveAccounts(port2, accounts)
    const remote = new RemoteAccounts(port1)
    const outcome = expect(remote.login(ada)).rejects.toThrow('the thread at the other end has ended')
    await turnUntil(() => seen.left !== undefined, 'the login')
    port1.close()
    await outcome
    await seen.left
    await expect(remote.nameOf({ address: '' })).rejects.toThrow('has ended')
  })
})
