import { errorCode } from '../base/errors.ts'
import type { Processes } from '../base/processes.ts'

/** The system's table of processes. */
export const processes: Processes = {
  pid: process.pid,
  isAlive(pid) {
    try {
      // Signal 0 is delivered to nobody; it only asks (kill(2)). EPERM: somebody else's process.
      return process.kill(pid, 0)
    } catch (error) {
      return errorCode(error) === 'EPERM'
    }
  },
}
