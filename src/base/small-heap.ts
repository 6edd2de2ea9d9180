import { setFlagsFromString } from 'node:v8'

/**
 * Makes V8 collect garbage before it asks the system for more memory, in this thread and those started from now on. For
 * work that throws nearly everything away, such as a socket for each of 65,535 ports: V8 would let the heap grow to a
 * hundred megabytes of sockets that are closed long since. It costs about a tenth of the processor time.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}
