import type { LivenessChange } from './pacing/host-liveness.ts'
import { pacingLimits } from './pacing/limits.ts'

/** What a person is told when a host that had answered falls silent, is given up, or comes back. */
export function livenessSentence(address: string, change: LivenessChange): string {
  if (change === 'back') return `${address} answers again`
  if (change === 'gone') return `${address} does not come back: what was never tried there is tried once`
  return `${address} has stopped answering; it is waited for, ${pacingLimits.liveness.maxSilenceMs / 1000} s at most`
}

/** Says each thing once. */
export class Notices {
  readonly #said = new Set<string>()
  readonly #say: (sentence: string) => void

  constructor(say: (sentence: string) => void) {
    this.#say = say
  }

  once(topic: string, sentence: string): void {
    if (this.#said.has(topic)) return
    this.#said.add(topic)
    this.#say(sentence)
  }

  localError(code: string, port: number): void {
    const why = reasons[code]
    if (code === 'SELF_CONNECT') this.once(code, `A connect to port ${port} met itself; the port is probed again`)
    else if (why !== undefined) this.once(code, `${why} (${code}): the scan goes on more slowly`)
    else this.once(code, `This system could not make a connect (${code}); it is tried again`)
  }
}

const reasons: Readonly<Record<string, string>> = {
  EMFILE: 'Too few file descriptors',
  ENFILE: 'Too few file descriptors on this system',
  EADDRNOTAVAIL: 'No local port or address is free',
  EADDRINUSE: 'No local port is free',
  ENOBUFS: 'The network queue of this system is full',
  ENOMEM: 'This system is short of memory',
  ENOSPC: 'This system is short of memory for events',
  EAGAIN: 'This system is short of resources',
}
