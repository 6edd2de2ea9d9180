import { readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pid } from 'node:process'
import { fileLimits } from './limits.ts'

const names = /^\/(?:dev\/(?:fd\/(\d+)|(stdin|stdout|stderr))|proc\/(self|thread-self|\d+)\/fd\/(\d+))$/

/** What a process has open already, as what the shell hands over with `<(…)`, `<` or `>`. */
export interface HandedOver {
  /** Undefined where the process is another one. */
  readonly descriptor: number | undefined
}

/**
 * What such a path means, or a link to it: `/dev/stdout`, `/proc/self/fd/1`. Whatever is behind it, a file perhaps, is not ours to
 * replace, to rename or to empty. Undefined for any other path.
 */
export function handedOver(path: string): HandedOver | undefined {
  let at = resolve(path)
  for (let links = 0; links < fileLimits.links; links++) {
    const [found, number, stream, owner, itsNumber] = names.exec(at) ?? []
    if (found !== undefined) {
      const isOurs = owner === undefined || !/\d/.test(owner) || Number(owner) === pid
      const descriptor = stream === undefined ? Number(number ?? itsNumber) : streams.indexOf(stream)
      return { descriptor: isOurs ? descriptor : undefined }
    }
    try {
      at = resolve(dirname(at), readlinkSync(at))
    } catch {
      return undefined
    }
  }
  return undefined
}

const streams = ['stdin', 'stdout', 'stderr']
