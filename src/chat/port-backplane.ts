import type { MessagePort } from 'node:worker_threads'
import type { Backplane, Delivery } from './backplane.ts'
import { packSignals, type SignalBatch, unpackSignals } from './signal-batch.ts'

/**
 * The way to a room's owner in another thread. A batch crosses once, however many connections it is for; its bytes are
 * written to every socket from the one copy that arrives here.
 */
export function portBackplane(port: MessagePort): Backplane {
  return {
    publish: (signals) => port.postMessage(packSignals(signals)),
    subscribe: (deliver) => port.on('message', deliver),
    close: () => port.close(),
  }
}

/** The owner's end: `backplane` is the owner's own way in, `port` leads to the thread. When the thread dies, so do its connections. */
export function serveBackplane(backplane: Backplane, port: MessagePort): void {
  backplane.subscribe((batch: readonly Delivery[]) => port.postMessage(batch))
  port.on('message', (batch: SignalBatch) => backplane.publish(unpackSignals(batch)))
  port.on('close', () => backplane.close())
}
