import { readFileSync } from 'node:fs'

/** A limit of this process (getrlimit(2)), by its name in proc(5); undefined where there is none or the system doesn't tell. */
export function systemLimit(name: string): number | undefined {
  let table: string
  try {
    table = readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return undefined
  }
  const limit = new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(table)?.[1]
  return limit === undefined ? undefined : Number(limit)
}
