import { getServers, promises, type ResolverOptions } from 'node:dns'
import type { Clock, Timer } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { scanLimits } from '../limits.ts'

/** Questions to one name server. `node:dns` asks them, and tests give their own. */
export interface DnsChannel {
  readonly server: string
  /** Rejects with the resolver's code. */
  resolve4(name: string): Promise<readonly string[]>
  resolve6(name: string): Promise<readonly string[]>
  cancel(): void
}

/** A channel to each name server of this system in turn, as many as there are attempts at a question. */
export function systemChannels(): readonly DnsChannel[] {
  const servers = getServers()
  return scanLimits.dnsAttemptsMs.map((_, attempt) => {
    // c-ares would ask again from another socket, and miss what still comes to the first: each channel asks once.
    const options: ResolverOptions = { timeout: limits.connectMs, tries: 1, maxTimeout: limits.connectMs }
    const resolver = new promises.Resolver(options)
    const server = servers[attempt % servers.length] ?? ''
    try {
      if (server !== '') resolver.setServers([server])
    } catch {
      // A form that it gives and does not take, such as one with a zone: it asks them all then.
    }
    return {
      server,
      resolve4: (name) => resolver.resolve4(name),
      resolve6: (name) => resolver.resolve6(name),
      cancel: () => resolver.cancel(),
    }
  })
}

/** Answers that no other server would give differently. */
const definite = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

/**
 * Asks DNS for addresses. A question without an answer is asked again, of the next server where there is one, while the
 * answer to the first still counts; its time is its own, however many others are asked.
 */
export class DnsQuestions {
  readonly #channels: readonly DnsChannel[]
  readonly #clock: Clock

  constructor(channels: readonly DnsChannel[], clock: Clock) {
    this.#channels = channels
    this.#clock = clock
  }

  /**
   * Both kinds of addresses of a full name, none where it has none. Where one kind is known the other is waited for a
   * moment only. Rejects with the resolver's code (ENOTFOUND, ETIMEOUT, ESERVFAIL …).
   */
  addresses(name: string): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    const found: string[] = []
    const errors: unknown[] = []
    let grace: Timer | undefined
    let left = 2
    const settled = (): void => {
      left--
      if (left > 0 && found.length > 0) grace = this.#clock.after(scanLimits.otherFamilyMs, () => resolve(found))
      if (left > 0) return
      grace?.cancel()
      const [error] = errors.toSorted((a, b) => gravity(a) - gravity(b))
      if (found.length > 0 || error === undefined) resolve(found)
      else reject(error)
    }
    for (const kind of ['resolve6', 'resolve4'] as const) {
      this.#ask(name, kind)
        .then(
          (addresses) => found.push(...addresses),
          (error: unknown) => errors.push(error),
        )
        .finally(settled)
    }
    return promise
  }

  /** Ends what is still being asked. */
  close(): void {
    for (const channel of this.#channels) channel.cancel()
  }

  #ask(name: string, kind: 'resolve4' | 'resolve6'): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    const startedMs = this.#clock.monotonic()
    const channels = this.#channels
    let unanswered = channels.length
    let next = 0
    let timer: Timer | undefined
    const attempt = (): void => {
      timer?.cancel()
      const channel = channels[next++]
      if (channel === undefined) return
      const dueMs = startedMs + (scanLimits.dnsAttemptsMs[next] ?? limits.connectMs) - this.#clock.monotonic()
      timer = this.#clock.after(Math.max(0, dueMs), attempt)
      channel[kind](name).then(resolve, (error: unknown) => {
        unanswered--
        const code = errorCode(error)
        if (definite.has(code) || unanswered === 0) reject(error)
        // Another server may know; the same one may be overloaded, which needs time, or not be there, which does not.
        else if (code === 'ECONNREFUSED' || channels[next]?.server !== channel.server) attempt()
      })
    }
    const late = this.#clock.after(limits.connectMs, () => reject(timedOut()))
    attempt()
    return promise.finally(() => {
      timer?.cancel()
      late.cancel()
    })
  }
}

/** Of two errors, one for each family, the one that tells more stands for the name. */
function gravity(error: unknown): number {
  const code = errorCode(error)
  if (code === 'ENODATA') return 1
  return code === 'ENOTFOUND' ? 2 : 0
}

/** Nothing came in the time that a question has. */
export function timedOut(): Error {
  return Object.assign(new Error(`no answer in ${limits.connectMs / 1000} s`), { code: 'ETIMEOUT' })
}
