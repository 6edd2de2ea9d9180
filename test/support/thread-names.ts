import { readdirSync, readFileSync } from 'node:fs'

/**
 * What the threads of a process are called, on Linux. A thread has the name of the one that started it until it runs; those
 * that end meanwhile are left out.
 */
export function threadNames(pid: number | 'self' = 'self'): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((id) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim()]
    } catch {
      return []
    }
  })
}
