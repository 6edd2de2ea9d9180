import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from '@jest/globals'
import { fingerprint, type HistoryStoreOptions, toRows } from '../../src/chat/history.ts'
import { HistoryStore } from '../../src/chat/history-store.ts'
import { chatLimits } from '../../src/chat/limits.ts'
import type { ChatMessage, HistoryPage } from '../../src/chat/message.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const open: HistoryStore[] = []

function openStore(file: string, options: Partial<HistoryStoreOptions> = {}): HistoryStore {
  const store = new HistoryStore({ file, limit: { count: 0, ageMs: 0 }, durability: 'process', ...options })
  open.push(store)
  return store
}

function newStore(options: Partial<HistoryStoreOptions> = {}): HistoryStore {
  return openStore(join(temporaryFolder(), 'netlab.db'), options)
}

afterEach(() => {
  for (const store of open.splice(0)) store.close()
})

function said(id: number, more: Partial<ChatMessage> = {}): ChatMessage {
  return { type: 'message', id, at: 1000 * id, room: 'lobby', from: 'ann', text: `m${id}`, ...more }
}

const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n)
const ids = ({ messages }: HistoryPage): number[] => messages.map(({ id }) => id)

describe('the history store', () => {
  test('gives back exactly what it was given', () => {
    const store = newStore()
    const messages = [
      said(1),
      said(2, { cid: 'x', action: true, text: '你好 😀' }),
      said(3, { operator: true }),
      said(4, { operator: true, action: true }),
    ]
    store.append(toRows(messages))
    expect(store.page('lobby', { last: 10 })).toEqual({ messages, more: false })
  })

  test.each([
    ['the last', { last: 3 }, [8, 9, 10], true],
    ['the last of fewer', { last: 30 }, range(1, 10), false],
    ['before', { before: 4, limit: 2 }, [2, 3], true],
    ['before the first', { before: 1 }, [], false],
    ['after', { after: 7, limit: 2 }, [8, 9], true],
    ['after all', { after: 10 }, [], false],
    ['after none', { after: 0 }, range(1, 10), false],
    ['none', { last: 0 }, [], true],
  ])('pages: %s', (_what, asked, found, more) => {
    const store = newStore()
    store.append(toRows(range(1, 10).map((id) => said(id))))
    store.append(toRows([said(11, { room: 'lobbyx' }), said(12, { room: 'lobb' })]))
    const page = store.page('lobby', asked)
    expect([ids(page), page.more]).toEqual([found, more])
  })

  test('a page is bounded by count and by bytes', () => {
    const store = newStore()
    store.append(toRows(range(1, 300).map((id) => said(id))))
    expect(ids(store.page('lobby', { after: 0, limit: 1_000_000 }))).toHaveLength(chatLimits.pageCount)
    store.append(toRows(range(301, 400).map((id) => said(id, { text: 'x'.repeat(chatLimits.textBytes) }))))
    const page = store.page('lobby', { last: 200 })
    expect([ids(page).length, page.more]).toEqual([chatLimits.pageBytes / chatLimits.textBytes, true])
    expect(ids(page).at(-1)).toBe(400)
  })

  test('forgets by count, room by room', () => {
    const store = newStore({ limit: { count: 5, ageMs: 0 } })
    store.append(toRows([...range(1, 20).map((id) => said(id)), said(21, { room: 'quiet' })]))
    store.prune(0)
    expect(ids(store.page('lobby', { last: 100 }))).toHaveLength(20)
    store.prune(0, true)
    expect(ids(store.page('lobby', { last: 100 }))).toEqual(range(16, 20))
    expect(ids(store.page('quiet', { last: 100 }))).toEqual([21])
  })

  test('forgets by age', () => {
    const store = newStore({ limit: { count: 0, ageMs: 5_000 } })
    store.append(toRows([...range(1, 10).map((id) => said(id)), said(11, { room: 'new' })]))
    store.prune(12_000, true)
    expect(ids(store.page('lobby', { last: 100 }))).toEqual([6, 7, 8, 9, 10])
    // A time counts once as much time has passed as messages are kept for, or a day.
    store.prune(1_000_000, true)
    expect(ids(store.page('lobby', { last: 100 }))).toEqual([7, 8, 9, 10])
    store.prune(1_005_000, true)
    expect(ids(store.page('lobby', { last: 100 }))).toEqual([])
    expect(ids(store.page('new', { last: 100 }))).toEqual([])
  })

  describe('a clock that jumps, and comes back, leaves no trace', () => {
    const day = 86_400_000
    const begin = 1_700_000_000_000
    const limit = { count: 0, ageMs: 90 * day }

    test.each([
      ['two days ahead', 2],
      ['1,200 days ahead', 1_200],
      ['two days back', -2],
      ['1,200 days back', -1_200],
    ])('%s', (_what, days) => {
      const file = join(temporaryFolder(), 'netlab.db')
      const store = openStore(file, { limit })
      // A message a day for 100 days, looked over every twelve hours.
      const say = (id: number, at: number, room?: string) =>
        store.append(toRows([said(id, { at, ...(room !== undefined && { room }) })]))
      for (let id = 1; id <= 100; id++) {
        say(id, begin + id * day)
        store.prune(begin + id * day, true)
        store.prune(begin + id * day + day / 2, true)
      }
      expect(ids(store.page('lobby', { last: 200 }))).toHaveLength(92)
      const now = begin + 100.6 * day
      const wrong = now + days * day
      const jumping = openStore(file, { limit })
      for (const hour of [0, 1, 2, 5]) {
        say(101 + hour, wrong + (hour * day) / 24, hour > 1 ? 'new' : 'lobby')
        jumping.prune(wrong + (hour * day) / 24, true)
      }
      const after = openStore(file, { limit })
      after.prune(now + day / 4, true)
      // All of the last 90 days, and perhaps a little more.
      const kept = ids(after.page('lobby', { last: 200 }))
      expect(kept.slice(kept.indexOf(11))).toEqual([...range(11, 100), 101, 102])
      expect(ids(after.page('new', { last: 200 }))).toEqual([103, 106])
      // And things take their course: what was said then goes with what was said around it.
      for (let id = 107; id <= 200; id++) {
        say(id, now + (id - 106) * day)
        after.prune(now + (id - 106) * day, true)
        after.prune(now + (id - 105.5) * day, true)
      }
      expect(ids(after.page('lobby', { last: 200 }))[0]).toBeGreaterThan(102)
      expect(ids(after.page('lobby', { last: 200 })).length).toBeGreaterThan(90)
    })
  })

  test('ids are never handed out again, after a kill and with everything forgotten', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    const first = openStore(file, { limit: { count: 0, ageMs: 1 } })
    first.append(toRows([said(5000)]))
    for (const at of [1, 2]) first.prune(Number.MAX_SAFE_INTEGER - 10 + at, true)
    expect(ids(first.page('lobby', { last: 1 }))).toEqual([])
    // Not closed: as a kill leaves it.
    const second = openStore(file)
    expect(second.remembered().nextId).toBeGreaterThan(5000)
    second.append(toRows([said(6001)]))
    second.close(6002)
    open.pop()
    expect(openStore(file).remembered().nextId).toBe(6002)
  })

  test('each run has an epoch of its own, in a copy as well', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    const runs = [1, 2, 3].map(() => {
      const store = openStore(file)
      const { epochs, nextId } = store.remembered()
      store.append(toRows([said(nextId)]))
      return epochs
    })
    expect(runs.map((epochs) => epochs.length)).toEqual([1, 2, 3])
    expect(runs[2]?.slice(0, 2)).toEqual(runs[1])
    expect(new Set(runs[2]?.map(({ name }) => name)).size).toBe(3)
    expect(runs[2]?.map(({ start }) => start)).toEqual([1, 1 + chatLimits.idBlock, 1 + 2 * chatLimits.idBlock])
  })

  test('remembers moderation and the latest client ids', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    const store = openStore(file)
    const ban = { kind: 'ban', room: 'lobby', name: 'bob', text: '', account: 'id of bob' } as const
    const topic = { kind: 'topic', room: 'lobby', name: '', text: 'first', account: '' } as const
    store.moderate(ban, false)
    store.moderate(topic, false)
    store.moderate({ ...topic, text: 'second' }, false)
    store.moderate({ ...ban, name: 'eve' }, false)
    store.moderate({ ...ban, name: 'eve' }, true)
    store.append(toRows([said(1, { cid: 'a' }), said(2), said(3, { room: 'dev', from: 'bob', cid: 'b' })]))
    expect(openStore(file).remembered()).toEqual({
      nextId: 1 + chatLimits.idBlock + 2,
      moderation: [ban, { ...topic, text: 'second' }],
      epochs: [{ name: expect.any(String), start: 1 + chatLimits.idBlock + 2 }],
      clientIds: [
        { from: 'ann', cid: 'a', id: 1, at: 1000, said: fingerprint('say', 'lobby', said(1).text) },
        { from: 'bob', cid: 'b', id: 3, at: 3000, said: fingerprint('say', 'dev', said(3).text) },
      ],
    })
  })

  test('on a full disk a batch is kept whole or not at all, and it works again when there is room', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    const store = openStore(file, { maxPages: 40 })
    const big = (id: number): ChatMessage => said(id, { text: 'x'.repeat(4000) })
    const fill = (): void => {
      for (let id = 1; id < 1000; id += 5) store.append(toRows(range(id, id + 4).map(big)))
    }
    expect(fill).toThrow('database or disk is full')
    const kept = ids(store.page('lobby', { last: 200 }))
    expect(kept.length % 5).toBe(0)
    expect(kept).toEqual(range(1, kept.length))
    const roomy = openStore(file)
    roomy.append(toRows([said(2000)]))
    expect(ids(roomy.page('lobby', { last: 1 }))).toEqual([2000])
  })

  test('the file is for its owner only', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    openStore(file).append(toRows([said(1)]))
    expect([file, `${file}-wal`].map((name) => statSync(name).mode & 0o777)).toEqual([0o600, 0o600])
  })

  test('what is no database of ours is left alone and explained', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    writeFileSync(file, 'my notes, nothing else, but long enough to be looked at as a header of something'.repeat(20))
    const before = readFileSync(file)
    expect(() => new HistoryStore({ file, limit: { count: 0, ageMs: 0 }, durability: 'power' })).toThrow(
      expect.objectContaining({ code: 'DATABASE', exit: 74, hint: expect.stringContaining('--db') }),
    )
    expect(readFileSync(file)).toEqual(before)
    expect(() => openStore(join(temporaryFolder(), 'no', 'netlab.db'))).toThrow('cannot use the database')
  })

  test('tables of another version are refused', () => {
    const file = join(temporaryFolder(), 'netlab.db')
    openStore(file).close()
    open.pop()
    const db = new DatabaseSync(file)
    db.exec('UPDATE chat_ids SET version = 99')
    db.close()
    expect(() => openStore(file)).toThrow('its tables are of version 99')
  })
})
