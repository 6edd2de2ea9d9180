import { expect, test } from '@jest/globals'
import type { StartThread, Thread } from '../../src/base/threads.ts'
import { prewarmThread, startThread } from '../../src/main/threads.ts'
import { TestClient } from '../support/client.ts'
import { startTestServer } from '../support/test-server.ts'

// Threads start slowly when others keep the machine busy.

test('a prewarmed thread becomes the listener, and ends with the server', async () => {
  const prewarmed = prewarmThread('listener', 'listener')
  const ended = new Promise((resolve) => prewarmed?.once('exit', resolve))
  const started: Thread[] = []
  const start: StartThread = (entry, given) => {
    const thread = startThread(entry, given)
    started.push(thread)
    return thread
  }
  const { server, port } = await startTestServer({}, { start })
  expect(started.length).toBe(1)
  expect(started[0]).toBe(prewarmed)
  const client = await TestClient.connect(port)
  client.write('good morning\n')
  await client.until('good morning\n')
  client.destroy()
  await server.stop('test over')
  await ended
})
