import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { limits } from '../../src/base/limits.ts'
import { netLimits } from '../../src/net/limits.ts'
import { serveLimits } from '../../src/serve/limits.ts'
import { defineProtocol } from '../../src/serve/protocol.ts'
import { LocalServer } from '../support/local-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

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

test('a half-closed peer that does not read is let go when the time to drain is up, and not before', async () => {
  const clock = new VirtualClock()
  const ended = Promise.withResolvers<void>()
  // More than the system's buffers of both ends hold.
  const blocks = 64
  const block = Buffer.alloc(1_048_576)
  const farewell = defineProtocol({
    name: 'farewell',
    summary: 'answers much when the peer has sent its last byte',
    defaultPort: 1,
    create: () => ({
      serve(session) {
        session.bytes({
          portionBytes: netLimits.readBytes,
          chunk: () => undefined,
          end() {
            for (let i = 0; i < blocks; i++) session.write(block)
            session.end('peer-closed')
            ended.resolve()
          },
        })
      },
    }),
  })
  const server = await LocalServer.start(farewell, {}, { clock })
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += serveLimits.closingSweepMs) {
      clock.advance(serveLimits.closingSweepMs)
      await turn()
    }
  }
  try {
    await once(client, 'connect')
    client.end()
    await ended.promise
    await pass(limits.drainMs - serveLimits.closingSweepMs)
    expect(server.runner.status()).toHaveLength(1)
    await pass(3 * serveLimits.closingSweepMs)
    for (let turns = 0; turns < 100 && server.runner.status().length > 0; turns++) await turn()
    expect(server.runner.status()).toEqual([])
    expect(server.events.at(-1)).toMatchObject({ type: 'disconnected', reason: 'peer-closed' })
  } finally {
    client.destroy()
    await server.close()
  }
})
