import { type Clock, pause } from '../../base/clock.ts'
import { UsageError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { Answered } from '../../scan/answered.ts'
import type { PortResult } from '../../scan/types.ts'
import { grouped } from '../../terminal/format.ts'
import type { Survey } from './survey.ts'

/**
 * Scans `wanted` again and again until all of them are open or `waitMs` is over. What is not open then counts as it was
 * seen last.
 */
export async function waitUntilOpen(
  survey: Survey,
  wanted: readonly number[],
  waitMs: number,
  clock: Clock,
): Promise<void> {
  const { addresses, totals } = survey
  const count = addresses.size * wanted.length
  if (count > limits.scanWaitCount) {
    throw new UsageError(`--wait for ${grouped(count)} ports is too much`, {
      hint: `at most ${grouped(limits.scanWaitCount)}, over all addresses, are asked again and again`,
    })
  }
  const late = new AbortController()
  const timer = clock.after(waitMs, () => late.abort(new DOMException('the wait is over', 'TimeoutError')))
  const signal = AbortSignal.any([survey.signal, late.signal])
  const open = new Answered(addresses, wanted)
  const latest = new Map<string, PortResult>()
  const take = (result: PortResult): void => {
    const key = `${result.port} ${result.host.address}`
    if (result.state !== 'open') latest.set(key, result)
    else if (open.add(result.host, result.port)) {
      latest.delete(key)
      survey.record(result)
    }
  }
  try {
    for (;;) {
      totals.again()
      for (const part of open.remaining()) await survey.run(part, take, signal)
      if (signal.aborted || open.remaining().length === 0) break
      await pause(clock, limits.scanWaitPauseMs, signal)
    }
  } finally {
    timer.cancel()
  }
  // A last round that was cut short takes nothing away from what an earlier one heard.
  if (latest.size === count - survey.findings.done) totals.again()
  for (const result of latest.values()) survey.record(result)
}
