import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { defineProtocol } from '../../src/serve/protocol.ts'
import { LocalServer } from '../support/local-server.ts'

const answerBytes = 8_192
const generous = defineProtocol({
  name: 'generous',
  summary: 'answers more than it is told',
  defaultPort: 1,
  create: () => ({
    async serve(session) {
      for (let text = await session.receive(); text !== undefined; text = await session.receive()) {
        session.send('x'.repeat(answerBytes - 1))
        // Each answer goes out before the next message is taken.
        await turn()
      }
    },
  }),
})

const warnings: Error[] = []
const warned = (warning: Error): void => void warnings.push(warning)
beforeAll(() => void process.on('warning', warned))
afterAll(() => void process.off('warning', warned))

test('bug: whoever asked without reading was read on, its answers filled the memory, and each chunk left a drain listener', async () => {
  const server = await LocalServer.start(generous)
  const count = 300
  const chunks = 30
  const questions = Buffer.from('?\n'.repeat(count))
  const client = connect(server.port, '127.0.0.1')
  try {
    await once(client, 'connect')
    const heard = (): number => server.runner.status()[0]?.received ?? 0
    for (let i = 0; i < chunks; i++) {
      client.write(questions)
      // Long enough for all of it to be answered, were it read.
      for (let turns = 0; turns < 2 * count && heard() <= i * questions.length; turns++) await turn()
    }
    expect(heard()).toBeLessThan(chunks * questions.length)

    client.end()
    let got = 0
    for await (const chunk of client) got += chunk.length
    expect(got).toBe(chunks * count * answerBytes)
  } finally {
    client.destroy()
    await server.close()
  }
  expect(warnings).toEqual([])
})
