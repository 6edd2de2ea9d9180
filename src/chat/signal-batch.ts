import type { Signal } from './backplane.ts'

/**
 * Signals on their way between two threads. What members say is nearly all of it, and goes flat, because an array of strings
 * and numbers is copied to another thread four times as fast as the objects that it stands for: connection, room, text and
 * cid follow each other. Any other signal is an element by itself.
 */
export type SignalBatch = readonly (Signal | number | string | undefined)[]

export function packSignals(signals: readonly Signal[]): SignalBatch {
  const batch: (Signal | number | string | undefined)[] = []
  for (const signal of signals) {
    if (signal.type !== 'asked' || signal.request.type !== 'say') batch.push(signal)
    else {
      const { room, text, cid } = signal.request
      batch.push(signal.connection, room, text, cid)
    }
  }
  return batch
}

export function unpackSignals(batch: SignalBatch): Signal[] {
  const signals: Signal[] = []
  for (let at = 0; at < batch.length; at++) {
    const first = batch[at]
    if (typeof first === 'object') signals.push(first)
    else {
      const [room, text, cid] = [batch[++at], batch[++at], batch[++at]] as readonly (string | undefined)[]
      const request = { type: 'say', room, text: text ?? '', cid } as const
      signals.push({ type: 'asked', connection: Number(first), request })
    }
  }
  return signals
}
