import { readdirSync, readFileSync } from 'node:fs'
import { expect, jest, test } from '@jest/globals'
import { prepareThread } from '../../src/main/threads.ts'
import { TestClient } from '../support/client.ts'
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
linux('a prepared thread becomes the listener, and ends with the server', async () => {
  const before = count('listener')
  prepareThread('listener', 'listener')
  const { server, port } = await startTestServer()
  expect(count('listener')).toBe(before + 1)
  const client = await TestClient.connect(port)
  client.write('good morning\n')
  await client.until('good morning\n')
  client.destroy()
  await server.stop('test over')
  while (count('listener') > before) await new Promise((resolve) => setImmediate(resolve))
})
