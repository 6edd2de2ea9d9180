import { once } from 'node:events'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/base/clock.ts'
import { openRpc } from '../../src/base/rpc.ts'
import { portBackplane, serveBackplane } from '../../src/chat/backplane.ts'
import { Chat } from '../../src/chat/chat.ts'
import { nothingRemembered, RemoteHistory } from '../../src/chat/history.ts'
import { runHistory } from '../../src/chat/history-thread.ts'
import { parseMessage } from '../../src/chat/parse.ts'
import { ThreadGateway } from '../../src/chat/thread-gateway.ts'
import { forRoom, Listener } from '../support/chat-world.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const defer = (callback: () => void): void => void setImmediate(callback)

async function openHistory(file: string) {
  const { port1, port2 } = new MessageChannel()
  const options = { file, limit: { count: 0, ageMs: 0 }, durability: 'process' } as const
  runHistory({ port: port2, options }, systemClock)
  const history = new RemoteHistory(port1)
  return { history, remembered: await history.open() }
}

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** Gateways behind real MessagePorts, as client threads have them. */
async function startChat(file: string, gatewayCount: number) {
  const { history, remembered } = await openHistory(file)
  const chat = new Chat({ clock: systemClock, defer, history, remembered, record: () => {} })
  const ports = Array.from({ length: gatewayCount }, () => new MessageChannel())
  const batches: number[] = ports.map(() => 0)
  const gateways = ports.map(({ port1, port2 }, index) => {
    serveBackplane(chat.backplane(), port1)
    port2.on('message', () => {
      batches[index] = (batches[index] ?? 0) + 1
    })
    return new ThreadGateway({ backplane: portBackplane(port2), clock: systemClock, defer })
  })
  const stop = async (): Promise<void> => {
    for (const { port2 } of ports) port2.close()
    await history.close(chat.nextId)
  }
  stops.push(stop)
  return { chat, gateways, ports, batches, stop: async () => stops.pop()?.() }
}

/** A listener that can be waited for. */
class Waiting extends Listener {
  #wanted: { readonly met: () => boolean; readonly resolve: () => void } | undefined

  override write(bytes: Uint8Array): number {
    const queued = super.write(bytes)
    if (this.#wanted?.met() === true) this.#wanted.resolve()
    return queued
  }

  until(met: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = { met, resolve }
      if (met()) resolve()
    })
  }

  heard(count: number): Promise<void> {
    return this.until(() => this.messages().length >= count)
  }
}

describe('the chat over threads', () => {
  test('everybody hears the same in the same order, and a batch crosses once for all of a thread', async () => {
    const { gateways, batches } = await startChat(join(temporaryFolder(), 'netlab.db'), 3)
    const listeners = gateways.flatMap((gateway, index) =>
      Array.from({ length: 20 }, (_, n) => {
        const id = index * 100 + n
        const listener = new Waiting('frames')
        gateway.open({ id, name: `m${id}`, account: 'id', address: '192.0.2.1' }, listener)
        return listener
      }),
    )
    const before = [...batches]
    for (const [index, gateway] of gateways.entries())
      for (let n = 0; n < 200; n++)
        gateway.ask(index * 100, forRoom(parseMessage({ type: 'say', text: `${index} ${n}` })))
    await Promise.all(listeners.map((listener) => listener.heard(600)))
    const [first, ...others] = listeners.map((listener) => listener.messages().map(({ id, text }) => `${id} ${text}`))
    expect(first).toHaveLength(600)
    for (const heard of others) expect(heard).toEqual(first)
    // Not 20 × as many: no batch was sent for a single connection.
    for (const [index, count] of batches.entries()) expect(count - (before[index] ?? 0)).toBeLessThan(20)
  })

  test('what was said is there after a restart, and ids go on', async () => {
    const file = join(temporaryFolder(), 'netlab.db')
    for (const round of [1, 2, 3]) {
      const { gateways, stop } = await startChat(file, 1)
      const listener = new Waiting('frames')
      gateways[0]?.open({ id: 1, name: 'ann', account: 'id', address: '192.0.2.1' }, listener)
      gateways[0]?.ask(1, forRoom(parseMessage({ type: 'say', text: `round ${round}`, cid: `c${round}` })))
      await listener.heard(round)
      gateways[0]?.ask(1, forRoom(parseMessage({ type: 'say', text: 'round 1', cid: 'c1' })))
      await listener.heard(round + 1)
      const ids = listener.messages().map(({ id }) => id)
      expect(ids.slice(0, round)).toEqual(Array.from({ length: round }, (_, n) => n + 1))
      expect(ids.at(-1)).toBe(1)
      await stop()
    }
  })

  test('a thread that dies takes its people along', async () => {
    const { chat, gateways, ports } = await startChat(join(temporaryFolder(), 'netlab.db'), 2)
    const listeners = gateways.map((gateway, index) => {
      const listener = new Waiting('frames')
      gateway.open({ id: index + 1, name: `m${index}`, account: 'id', address: '192.0.2.1' }, listener)
      gateway.ask(index + 1, forRoom(parseMessage({ type: 'say', text: 'here' })))
      return listener
    })
    await Promise.all(listeners.map((listener) => listener.heard(2)))
    expect(chat.command('who')).toContain('2 people')
    const [, second] = ports
    if (second === undefined) throw new Error('two were made')
    const closed = once(second.port1, 'close')
    second.port2.close()
    await closed
    expect(chat.command('who')).toContain('1 person')
  })

  test('a database that cannot be used is said at the start', async () => {
    await expect(openHistory(join(temporaryFolder(), 'no', 'netlab.db'))).rejects.toMatchObject({
      code: 'DATABASE',
      exit: 74,
      hint: expect.stringContaining('--db'),
    })
  })

  test.each(['before', 'while'])(
    'a store thread that ends %s it is asked to open is said at the start',
    async (when) => {
      const { port1, port2 } = new MessageChannel()
      const history = new RemoteHistory(port1)
      if (when === 'before') {
        const closed = once(port1, 'close')
        port2.close()
        await closed
      }
      const opening = history.open()
      if (when === 'while') port2.close()
      await expect(opening).rejects.toMatchObject({ code: 'DATABASE', exit: 74 })
    },
  )

  test('a store thread that is gone fails appends, and the chat goes on', async () => {
    const { port1, port2 } = new MessageChannel()
    const history = new RemoteHistory(port1)
    const unanswered = () => new Promise<never>(() => undefined)
    const calls = { append: unanswered, page: unanswered, moderate: unanswered, close: unanswered }
    openRpc(port2, { ...calls, open: () => nothingRemembered(1) })
    const remembered = await history.open()
    const operators = [{ name: 'ann', account: 'id' }]
    const chat = new Chat({ clock: systemClock, defer, history, remembered, operators, record: () => {} })
    const gateway = new ThreadGateway({ backplane: chat.backplane(), clock: systemClock, defer })
    const listener = new Waiting('frames')
    gateway.open({ id: 1, name: 'ann', account: 'id', address: '192.0.2.1' }, listener)
    gateway.ask(1, forRoom(parseMessage({ type: 'say', text: 'anybody there?' })))
    port2.close()
    await listener.until(() => listener.of('notice').length > 1)
    expect(listener.messages()[0]?.unstored).toBe(true)
    expect(listener.of('notice').at(-1)?.text).toContain('the chat goes on without it')
  })
})
