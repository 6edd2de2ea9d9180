import { UsageError } from '../../base/errors.ts'
import { spareProcessors } from '../../base/threads.ts'
import type { MakeEngine } from '../prober.ts'
import { LibcEngine } from './libc.ts'
import { loadLibc } from './libc-binding.ts'
import { NetEngine } from './net.ts'

export interface EngineChoice {
  readonly name: 'net' | 'libc'
  readonly make: MakeEngine
  /** Sockets at a time that it is good for. */
  readonly mostSockets: number
  /** Threads that pay, beside the one that owns them and makes probes too. */
  readonly threads: number
}

const net: EngineChoice = {
  name: 'net',
  make: (clock, settled) => new NetEngine(clock, settled),
  // A net.Socket takes about 4 KiB; more of them under way gain nothing at what it can send.
  mostSockets: 1024,
  // One takes 20 MiB for its sockets and is hardly worth it (measured on two cores), so it must be asked for.
  threads: 0,
}

/** The engine that was asked for, or the fastest one that works here. */
export async function chooseEngine(asked?: 'net' | 'libc'): Promise<EngineChoice> {
  if (asked === 'net') return net
  const libc = await loadLibc()
  if (libc !== undefined) {
    const make: MakeEngine = (clock, settled) => new LibcEngine(libc, clock, settled)
    return { name: 'libc', make, mostSockets: 16_384, threads: spareProcessors() }
  }
  if (asked === 'libc')
    throw new UsageError('the libc engine does not work on this system', { hint: 'leave --engine out, or use net' })
  return net
}
