import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads'
import { afterEach, describe, expect, test } from '@jest/globals'
import { NetlabError, NetworkError, ProtocolError, StorageError, UsageError } from '../../src/base/errors.ts'
import { type Calls, openRpc, type Rpc } from '../../src/base/rpc.ts'

const open: MessagePort[] = []
afterEach(() => {
  for (const port of open.splice(0)) port.close()
})

/** Two ends in this thread: `local` is what the far one serves. */
function pair<Remote extends Calls>(local: Remote): { near: Rpc<Remote>; far: MessagePort; port: MessagePort } {
  const { port1, port2 } = new MessageChannel()
  open.push(port1, port2)
  openRpc<Record<never, never>, Remote>(port2, local)
  return { near: openRpc<Remote>(port1, {}), far: port2, port: port1 }
}

describe('requests', () => {
  test('are answered with what the handler returns or resolves to', async () => {
    const { near } = pair({ double: (n: number) => 2 * n, later: async (text: string) => `${text}!` })
    expect(await near.request('double', 21)).toBe(42)
    expect(await near.request('later', 'yes')).toBe('yes!')
  })

  test('whose handlers do not wait are answered in their order', async () => {
    const { near } = pair({ same: (n: number) => n })
    const order: number[] = []
    await Promise.all([3, 1, 2].map(async (n) => order.push(await near.request('same', n))))
    expect(order).toEqual([3, 1, 2])
  })

  test('take a socket along', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const client = connect(address.port, '127.0.0.1')
    const [accepted]: Socket[] = await once(server, 'connection')
    if (accepted === undefined) throw new Error('no socket')
    const { near } = pair({ greet: (socket: Socket) => socket.end('hello') && 'done' })
    const greeting = once(client, 'data')
    await near.request('greet', accepted, { transfer: [accepted as unknown as Transferable] })
    expect(String(await greeting)).toBe('hello')
    client.destroy()
    server.close()
  })

  test.each([
    new UsageError('no such word', { hint: 'say another' }),
    new NetworkError('ECONNREFUSED', 'nobody there'),
    new StorageError('ENOSPC', 'the disk is full', { hint: 'make room' }),
    new ProtocolError('FRAME_TOO_LONG', 'a long frame'),
    new NetlabError('EAGAIN', 69, 'no more threads'),
  ])('fail as the handler did, with class, code, exit and hint: %p', async (error) => {
    const { near } = pair({
      fail(): void {
        throw error
      },
      reject: () => Promise.reject(error),
    })
    for (const name of ['fail', 'reject'] as const) {
      const told = await near.request(name, undefined).catch((reason: unknown) => reason)
      expect(told).toBeInstanceOf(error.constructor)
      const { name: kind, message, code, exit, hint } = error
      expect(told).toMatchObject({ name: kind, message, code, exit, hint })
    }
  })

  test('fail with the stack of a bug', async () => {
    const { near } = pair({
      bug(): void {
        throw new TypeError('undefined is not a function')
      },
    })
    const told = await near.request('bug', undefined).catch((reason: unknown) => reason)
    expect(told).not.toBeInstanceOf(NetlabError)
    expect(String((told as Error).stack)).toContain('rpc.test')
  })

  test('fail when nothing of that name is there, or the result cannot cross', async () => {
    const { near, port } = pair({ odd: () => () => undefined })
    await expect(near.request('odd', undefined)).rejects.toThrow('could not be cloned')
    const other = openRpc<{ missing(argument: undefined): void }>(port, {})
    await expect(other.request('missing', undefined)).rejects.toThrow('no handler for "missing"')
  })
})

describe('cancelling', () => {
  test('aborts the signal of the handler, which still answers', async () => {
    const { near } = pair({
      wait: (_: undefined, signal: AbortSignal) =>
        new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('given up'))),
    })
    const leaving = new AbortController()
    const answer = near.request('wait', undefined, { signal: leaving.signal })
    leaving.abort()
    expect(await answer).toBe('given up')
    expect(await near.request('wait', undefined, { signal: AbortSignal.abort() })).toBe('given up')
  })

  test('happens to all that runs for a side that goes away', async () => {
    const aborted = Promise.withResolvers<string>()
    const { near, port } = pair({
      wait: (_: undefined, signal: AbortSignal) =>
        new Promise<void>(() => signal.addEventListener('abort', () => aborted.resolve('aborted'))),
    })
    const answer = near.request('wait', undefined)
    answer.catch(() => undefined)
    port.close()
    expect(await aborted.promise).toBe('aborted')
    await expect(answer).rejects.toThrow('has ended')
  })
})

describe('closing', () => {
  test('rejects what waits and what comes later, with the reason given first', async () => {
    const { near } = pair({ never: () => new Promise<void>(() => undefined) })
    const waiting = near.request('never', undefined)
    near.close(new Error('the thread died'))
    near.close(new Error('another reason'))
    await expect(waiting).rejects.toThrow('the thread died')
    await expect(near.request('never', undefined)).rejects.toThrow('the thread died')
  })

  test('a port that closes says so to both ends', async () => {
    const { near, far } = pair({ never: () => new Promise<void>(() => undefined) })
    const waiting = near.request('never', undefined)
    far.close()
    await expect(waiting).rejects.toThrow('the thread at the other end has ended')
  })
})

test('notifications are handled in order and answered by nothing', async () => {
  const heard: string[] = []
  const { near } = pair({ say: (text: string) => heard.push(text), done: () => heard.length })
  near.notify('say', 'one')
  near.notify('say', 'two')
  expect(await near.request('done', undefined)).toBe(2)
  expect(heard).toEqual(['one', 'two'])
})

test('what has arrived is handled at once by a poll, without a turn of the loop', () => {
  const { port1, port2 } = new MessageChannel()
  open.push(port1, port2)
  const heard: string[] = []
  const near = openRpc<Record<never, never>, { say(text: string): void }>(port1, {
    say: (text) => void heard.push(text),
  })
  const far = openRpc<{ say(text: string): void }>(port2, {})
  far.notify('say', 'hello')
  near.poll()
  expect(heard).toEqual(['hello'])
})
