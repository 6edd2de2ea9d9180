import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { expect, jest, test } from '@jest/globals'
import { LentThread } from '../../src/main/lent-thread.ts'
import { prepareThread } from '../../src/main/threads.ts'
import { TestClient } from '../support/client.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startTestServer } from '../support/test-server.ts'

// Threads start slowly when others keep the machine busy.
jest.setTimeout(300_000)

/** How many threads of this process are called so; those of other tests may still be ending. */
const count = (name: string) => readdirSync('/proc/self/task').filter((id) => comm(id) === name).length

function comm(id: string): string {
  try {
    return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
  } catch {
    return 'ended meanwhile'
  }
}

const linux = process.platform === 'linux' ? test : test.skip
linux('prepared threads become the listener and the keeper of its accounts, and end with the server', async () => {
  const before = count('accounts')
  prepareThread('listener', 'listener')
  prepareThread('store', 'accounts', true)
  const folder = temporaryFolder()
  const { server, port } = await startTestServer({ protocol: 'ident', users: join(folder, 'users.json') })
  expect(count('accounts')).toBe(before + 1)
  const client = await TestClient.connect(port)
  await client.until('?')
  client.destroy()
  await server.stop('test over')
  while (count('accounts') > before) await new Promise((resolve) => setImmediate(resolve))
})

test('a lent thread tells what it threw, and ends when nobody uses it any more', async () => {
  const { port1, port2 } = new MessageChannel()
  const lent = new LentThread(port1)
  const seen: unknown[] = []
  lent.on('message', (message) => seen.push(message))
  lent.on('error', (error) => seen.push(error.message))
  port2.postMessage('news')
  port2.postMessage({ thrown: 'out of luck' })
  const ended = new Promise<void>((resolve) => lent.on('exit', resolve))
  port2.close()
  await ended
  expect(seen).toEqual(['news', 'out of luck'])

  const other = new MessageChannel()
  const worker = new Worker(`require('node:worker_threads').workerData.on('message', () => {})`, {
    eval: true,
    workerData: other.port2,
    transferList: [other.port2],
  })
  const gone = once(worker, 'exit')
  await new LentThread(other.port1).terminate()
  await gone
})
