import { EventEmitter } from 'node:events'
import { expect, jest, test } from '@jest/globals'
import type { Thread } from '../../src/base/threads.ts'
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

test('a socket that waits to move to a thread is closed when that thread dies: it had stayed open for ever', async () => {
  const worker = new FakeThread()
  const lost = jest.fn()
  const pool = new ThreadPool(
    { ...testConfig, threads: 1 },
    {
      record: () => undefined,
      log: memoryLog([]),
      clock: new VirtualClock(),
      startThread: () => worker,
      attachShared: undefined,
      ended: () => undefined,
      stopRequested: () => undefined,
      lost,
    },
  )
  const close = jest.fn()
  pool.take(1, { address: '127.0.0.1', port: 1 }, { close })
  worker.emit('exit')
  expect(lost).toHaveBeenCalledTimes(1)
  expect(close).toHaveBeenCalledTimes(1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(worker.posted).toEqual([])
})
