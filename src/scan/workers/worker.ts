import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import { chooseEngine } from '../engines/choose.ts'
import { Prober } from '../prober.ts'
import { type Command, CommandRing } from './command-ring.ts'
import { ResultRing } from './result-ring.ts'

/** What a scan thread is started with. */
export interface WorkerStart {
  readonly engine: 'net' | 'libc'
  readonly tickets: number
  readonly commands: SharedArrayBuffer
  readonly results: SharedArrayBuffer
}

/** A result that does not fit in shared memory. */
export interface BannerResult {
  readonly ticket: number
  readonly outcome: number
  readonly rttMs: number
  readonly banner: Uint8Array
}

/** The program of a scan thread: takes probes from the ring, makes them, and puts back how each ended. */
export async function runWorker(start: WorkerStart, clock: Clock, parent: MessagePort): Promise<void> {
  const commands = new CommandRing(start.commands)
  const results = new ResultRing(start.tickets, start.results)
  const engine = await chooseEngine(start.engine)
  const prober = new Prober(start.tickets, engine.make, clock, (ticket, outcome, rttMs, banner) => {
    if (banner === undefined) results.push(ticket, outcome, rttMs)
    else parent.postMessage({ ticket, outcome, rttMs, banner } satisfies BannerResult)
  })
  const take = ({ ticket, target, port, timeoutMs, bannerMs }: Command): void =>
    prober.send(ticket, target, port, timeoutMs, bannerMs)
  let previous = commands.turn
  const turn = (): void => {
    // Between the previous turn of this loop and now its events were taken up.
    prober.poll()
    results.seenTurn = previous
    previous = commands.turn
    if (commands.isClosed) {
      prober.close()
      parent.close()
    } else if (commands.claim(CHUNK, take) > 0) setImmediate(turn)
    else clock.after(IDLE_MS, turn)
  }
  turn()
  parent.postMessage('ready')
}

/** Probes claimed at a time: small, so that the threads share what there is; what has happened is seen in between. */
const CHUNK = 64
/** How long a thread without work waits before it looks again. */
const IDLE_MS = 1
