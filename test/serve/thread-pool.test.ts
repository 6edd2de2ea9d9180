import { EventEmitter } from 'node:events'
import { describe, expect, jest, test } from '@jest/globals'
import { ExitCode, NetlabError } from '../../src/base/errors.ts'
import type { StartThread, Thread } from '../../src/base/threads.ts'
import { serveLimits } from '../../src/serve/limits.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { ThreadPool } from '../../src/serve/thread-pool.ts'
import { testConfig } from '../support/local-server.ts'
import { memoryLog } from '../support/test-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

class FakeThread extends EventEmitter implements Thread {
  readonly posted: unknown[] = []
  postMessage(message: unknown): void {
    this.posted.push(message)
  }
  async terminate(): Promise<void> {}
  ref(): void {}
  unref(): void {}
}

function startPool(config: Partial<ServeConfig>, startThread: StartThread) {
  const lost = jest.fn()
  const clock = new VirtualClock()
  const owner = {
    record: () => undefined,
    log: memoryLog([]),
    clock,
    startThread,
    channels: [],
    attach: () => undefined,
    known: () => undefined,
    ended: () => undefined,
    stopRequested: () => undefined,
    lost,
  }
  return { pool: new ThreadPool({ ...testConfig, ...config }, owner), lost, clock }
}

const peer = { address: '127.0.0.1', port: 1 }

test('a socket that waits to move to a thread is closed when that thread dies: it had stayed open for ever', async () => {
  const worker = new FakeThread()
  const { pool, lost } = startPool({ threads: 1 }, () => worker)
  const close = jest.fn()
  const thread = pool.choose()
  if (thread !== undefined) pool.give(thread, { id: 1, peer, socket: { close } })
  worker.emit('exit')
  expect(lost).toHaveBeenCalledTimes(1)
  expect(close).toHaveBeenCalledTimes(1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(worker.posted).toEqual([])
})

describe('bug: a system without threads to give ended the whole server', () => {
  const refusing = () => {
    throw new NetlabError('EAGAIN', ExitCode.unavailable, 'no more threads')
  }

  test('when a client was to get one of its own', () => {
    const { pool } = startPool({ threadPerClient: true }, refusing)
    expect(pool.choose()).toBeUndefined()
    expect(pool.size).toBe(0)
  })

  test('when one that died was to be replaced, which is tried again', () => {
    const start = jest.fn<StartThread>().mockImplementation(() => new FakeThread())
    const first = new FakeThread()
    start.mockImplementationOnce(() => first).mockImplementationOnce(refusing)
    const { pool, clock } = startPool({ threads: 1 }, start)
    first.emit('exit')
    clock.advance(serveLimits.threadRestartMs)
    expect([start.mock.calls.length, pool.size]).toEqual([2, 0])
    clock.advance(serveLimits.threadRestartMs)
    expect([start.mock.calls.length, pool.size]).toEqual([3, 1])
  })
})
