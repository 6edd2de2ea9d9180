import type { Backplane, Signal } from './backplane.ts'
import type { RoomRequest } from './commands.ts'
import { FanOut, type FanOutOptions, type Sink } from './fan-out.ts'
import type { ServerMessage } from './message.ts'
import type { Defer } from './pace.ts'
import { encode } from './wire.ts'

/** Who has come in. */
export interface Arrival {
  /** Unique within the server. */
  readonly id: number
  readonly name: string
  readonly operator: boolean
  /** Rooms with the last message id seen in each, of a client that was here before. */
  readonly resume?: Readonly<Record<string, number>> | undefined
}

export interface EdgeOptions extends FanOutOptions {
  readonly backplane: Backplane
  /** When what was asked is handed over; without it at the end of the turn. */
  readonly gather?: Defer
}

/**
 * The chat as one thread's connections see it. What they ask within a short while goes to the room's owner in one
 * batch; what comes back is fanned out.
 */
export class Edge {
  readonly #options: EdgeOptions
  readonly #fanOut: FanOut
  #signals: Signal[] = []

  constructor(options: EdgeOptions) {
    this.#options = options
    this.#fanOut = new FanOut(options)
    options.backplane.subscribe((batch) => this.#fanOut.deliver(batch))
  }

  open({ id, name, operator, resume }: Arrival, sink: Sink): void {
    this.#fanOut.open(id, sink)
    this.#signal({ type: 'opened', connection: id, name, operator, dialect: sink.dialect, resume })
  }

  ask(id: number, request: RoomRequest): void {
    this.#signal({ type: 'asked', connection: id, request })
  }

  /** Straight to one connection: what its own thread can answer, such as a line that can't be read. */
  answer(id: number, sink: Sink, message: ServerMessage): void {
    this.#fanOut.send(id, encode([message], sink.dialect))
  }

  close(id: number): void {
    this.#fanOut.close(id)
    this.#signal({ type: 'closed', connection: id })
  }

  #signal(signal: Signal): void {
    this.#signals.push(signal)
    if (this.#signals.length > 1) return
    const gather = this.#options.gather ?? this.#options.defer
    gather(() => {
      const signals = this.#signals
      this.#signals = []
      this.#options.backplane.publish(signals)
    })
  }
}
