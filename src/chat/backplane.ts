import type { MessagePort } from 'node:worker_threads'
import type { Dialect } from '../net/dialect.ts'
import type { RoomRequest } from './commands.ts'
import type { ByeReason, Ref } from './message.ts'

/** What a client thread tells the owner of the chat's state, in the order in which it happened. */
export type Signal =
  | {
      /** Presence: somebody who has logged in is there. Lands in the lobby, or in the rooms it was in before. */
      readonly type: 'opened'
      /** Unique within the server. */
      readonly connection: number
      readonly name: string
      /** The account's id. */
      readonly account: string
      /** Where the connection comes from. */
      readonly address: string
      readonly dialect: Dialect
      /** Rooms with the last id seen in each: they are entered where they were left. */
      readonly resume?: Readonly<Record<string, number>> | undefined
      /** The one whose ids they are. */
      readonly epoch?: string | undefined
      readonly ref?: Ref | undefined
    }
  | { readonly type: 'asked'; readonly connection: number; readonly request: RoomRequest }
  /** Its peer sends no more: it is said goodbye to when all that it asked is answered. */
  | { readonly type: 'finished'; readonly connection: number; readonly why: ByeReason; readonly message: string }
  | { readonly type: 'closed'; readonly connection: number }

/** What the owner sends to a client thread: bytes encoded once, for a whole room or for one connection. */
export type Delivery =
  | { readonly type: 'room'; readonly room: string; readonly frames?: Uint8Array; readonly text?: Uint8Array }
  | { readonly type: 'one'; readonly connection: number; readonly bytes: Uint8Array }
  /** From here on the connection gets what the room gets; `bytes` is the history up to here. */
  | { readonly type: 'enter'; readonly connection: number; readonly room: string; readonly bytes: Uint8Array }
  | { readonly type: 'leave'; readonly connection: number; readonly room: string }
  /** Nothing more will come for it. */
  | { readonly type: 'end'; readonly connection: number }

/**
 * The way to the one owner of the chat's state and back, the same whether the owner is in this thread, in another or, one day,
 * on another machine. Signals are handed in by batches; everything comes back in the one order that all subscribers see, which is
 * the order of the sequencer. A `join` with an id subscribes to a room from that id; `history` asks for older messages;
 * `opened` and `closed` are presence.
 */
export interface Backplane {
  /** Takes the signals of one turn of the loop, at once and without waiting for what becomes of them. */
  publish(signals: readonly Signal[]): void
  /** `deliver` gets what is meant for this thread's connections, a batch a time. One subscriber per backplane. */
  subscribe(deliver: (batch: readonly Delivery[]) => void): void
  /** Ends the subscription; its connections count as closed. */
  close(): void
}

/**
 * A backplane whose owner is in another thread. A batch crosses once, however many connections it is for; its bytes are
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

/**
 * Signals on their way between two threads. What members say is nearly all of it, and goes flat, because an array of strings
 * and numbers is copied to another thread four times as fast as the objects that it stands for: connection, room, text and
 * cid follow each other. Any other signal is an element by itself.
 */
type SignalBatch = readonly (Signal | number | string | undefined)[]

function packSignals(signals: readonly Signal[]): SignalBatch {
  const batch: (Signal | number | string | undefined)[] = []
  for (const signal of signals) {
    if (signal.type !== 'asked' || signal.request.type !== 'say' || signal.request.ref !== undefined) batch.push(signal)
    else {
      const { room, text, cid } = signal.request
      batch.push(signal.connection, room, text, cid)
    }
  }
  return batch
}

function unpackSignals(batch: SignalBatch): Signal[] {
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
