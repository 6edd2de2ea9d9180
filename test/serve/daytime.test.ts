import { expect, test } from '@jest/globals'
import { defineProtocol } from '../../src/serve/protocol.ts'
import { TestClient } from '../support/client.ts'
import { LocalServer } from '../support/local-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const daytime = defineProtocol({
  name: 'daytime',
  summary: 'say what time it is, and leave (RFC 867)',
  defaultPort: 9013,
  create: (_options, { clock }) => ({
    serve(session) {
      session.write(Buffer.from(`${new Date(clock.now()).toUTCString()}\r\n`))
      session.end('exit')
    },
  }),
})

test('a protocol of eleven lines is served', async () => {
  const server = await LocalServer.start(daytime, {}, { clock: new VirtualClock(0) })
  const client = await TestClient.connect(server.port)
  client.end()
  expect((await client.all()).toString()).toBe('Thu, 01 Jan 1970 00:00:00 GMT\r\n')
  await server.close()
})
