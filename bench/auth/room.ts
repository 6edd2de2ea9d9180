import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { FileUserStore } from '../../src/accounts/user-store.ts'
import { formatUsers, UserBook } from '../../src/accounts/users-file.ts'
import { systemClock } from '../../src/base/clock.ts'
import { median } from '../measure.ts'
import type { Row } from './row.ts'

const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** What 10,000 users cost: reading them, and how long a registration among them holds up its thread. */
export async function storeRows(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-'))
  const path = join(folder, 'users.json')
  const book = new UserBook()
  for (let n = 0; n < 10_000; n++) book.setUser({ name: `User ${n}`, hash, since: '2026-01-01T00:00:00.000Z' })
  writeFileSync(path, [...formatUsers(book)].join(''))
  const loads: number[] = []
  const blocks: number[] = []
  for (let round = 0; round < 7; round++) {
    const began = performance.now()
    const store = new FileUserStore({ path, clock: systemClock })
    loads.push(performance.now() - began)
    blocks.push(await longestBlock(() => store.register(`New ${round}`, hash)))
    await store.close()
  }
  rmSync(folder, { recursive: true })
  return [
    { what: 'load 10,000 users', value: median(loads), unit: 'ms', wanted: '< 200 ms', good: median(loads) < 200 },
    {
      what: 'longest turn of the event loop during a registration among them',
      value: median(blocks),
      unit: 'ms',
      wanted: '≤ 20 ms',
      good: median(blocks) <= 20,
    },
  ]
}

async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  let running = true
  const tick = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    if (running) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  running = false
  return longest
}

/** One hash alone, the median of nine. */
export async function hashMs(): Promise<number> {
  const hasher = argon2Hasher()
  const times: number[] = []
  for (let n = 0; n < 9; n++) {
    const began = performance.now()
    await hasher.hash('correct horse battery')
    times.push(performance.now() - began)
  }
  return median(times)
}
