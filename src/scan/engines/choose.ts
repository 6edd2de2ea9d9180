import { UsageError } from '../../base/errors.ts'
import { spareProcessors } from '../../base/threads.ts'
import { scanLimits } from '../limits.ts'
import type { EngineName } from '../types.ts'
import type { MakeEngine } from './engine.ts'
import { LibcEngine } from './libc.ts'
import { loadLibc } from './libc-binding.ts'
import { NetEngine } from './net.ts'

export interface EngineChoice {
  readonly name: EngineName
  readonly make: MakeEngine
  /** Sockets at a time that it is good for. */
  readonly maxSockets: number
  /** Threads that pay, beside the one that owns them and makes probes too. */
  readonly threads: number
}

const net: EngineChoice = {
  name: 'net',
  make: (clock, settled) => new NetEngine(clock, settled),
  maxSockets: scanLimits.netProbeCount,
  // One takes 20 MiB for its sockets and is hardly worth it (measured on two cores), so it must be asked for.
  threads: 0,
}

/** The engine that was asked for, or the fastest one that works here. */
export async function chooseEngine(asked?: EngineName): Promise<EngineChoice> {
  if (asked === 'net') return net
  const libc = await loadLibc()
  if (libc !== undefined) {
    const make: MakeEngine = (clock, settled) => new LibcEngine(libc, clock, settled)
    return { name: 'libc', make, maxSockets: scanLimits.probeCount, threads: spareProcessors() }
  }
  if (asked === 'libc')
    throw new UsageError('the libc engine does not work on this system', { hint: 'leave --engine out, or use net' })
  return net
}
