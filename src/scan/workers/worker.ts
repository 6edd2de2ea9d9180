import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import { AwakeClock } from '../awake-clock.ts'
import { chooseEngine } from '../engines/choose.ts'
import { scanLimits } from '../limits.ts'
import { Prober } from '../prober.ts'
import type { EngineName } from '../types.ts'
import { CommandRing, type ProbeCommand, ResultRing } from './rings.ts'

/** What a scan thread is started with. */
export interface WorkerStart {
  readonly engine: EngineName
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
export async function runWorker(start: WorkerStart, systemClock: Clock, parent: MessagePort): Promise<void> {
  const clock = new AwakeClock(systemClock)
  const commands = new CommandRing(start.commands)
  const results = new ResultRing(start.tickets, start.results)
  const engine = await chooseEngine(start.engine)
  const prober = new Prober(start.tickets, engine.make, clock, (ticket, outcome, rttMs, banner) => {
    if (banner === undefined) results.push(ticket, outcome, rttMs)
    else parent.postMessage({ ticket, outcome, rttMs, banner } satisfies BannerResult)
  })
  const take = ({ ticket, host, port, timeoutMs, bannerMs }: ProbeCommand): void =>
    prober.send(ticket, host, port, timeoutMs, bannerMs)
  let previous = commands.turn
  const turn = (): void => {
    // Looked at in every turn, so that a stall is noticed.
    clock.monotonic()
    // All events from before the previous turn of this loop were taken up since, by this poll at the latest.
    prober.poll()
    results.seenTurn = previous
    previous = commands.turn
    if (commands.isClosed) {
      prober.close()
      parent.close()
    } else if (commands.claim(scanLimits.threadChunk, take) > 0) setImmediate(turn)
    else clock.after(scanLimits.threadIdleMs, turn)
  }
  turn()
  parent.postMessage('ready')
}
