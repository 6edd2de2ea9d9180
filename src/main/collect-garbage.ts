import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * For the last moment of the process, which may hang for ever otherwise: it waits for V8's compiler threads, and one of
 * them may wait for a garbage collection, which this thread does no more (nodejs/node#54918). Right after one, none is due.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
