import { expect, test } from '@jest/globals'
import { echo } from '../../src/protocols/echo.ts'
import { TestClient } from '../support/client.ts'
import { LocalServer } from '../support/local-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

test('whoever had spoken while the server was stopped (SIGSTOP, a paused machine) was put out as idle', async () => {
  const clock = new VirtualClock()
  const server = await LocalServer.start(echo, { idleTimeout: 1000 }, { clock })
  const client = await TestClient.connect(server.port)
  expect((await client.write('one\n').bytes(4)).toString()).toBe('one\n')
  client.write('two\n')
  // As timers do it: after this, the loop looks at its sockets once before the next immediate.
  setImmediate(() => clock.advance(1000))
  expect((await client.bytes(8)).toString()).toBe('one\ntwo\n')
  client.end()
  expect(await server.event('disconnected')).toMatchObject({ reason: 'peer-closed' })
  await server.close()
})
