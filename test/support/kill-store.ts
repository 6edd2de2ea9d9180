import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseUsers } from '../../src/accounts/users-file.ts'

const program = fileURLToPath(new URL('./registering-child.ts', import.meta.url))

export interface Aftermath {
  /** Acknowledged by the killed child. */
  readonly acknowledged: number
  /** Of those, not in the file; there should be none. */
  readonly lost: readonly string[]
}

/**
 * Lets a child register users in `path`, kills it with SIGKILL once it has acknowledged `count` of them, and reads the file.
 * @throws {StorageError} when the file can't be read any more.
 */
export async function killWhileRegistering(path: string, prefix: string, count: number): Promise<Aftermath> {
  const child = spawn(process.execPath, [program, path, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const names: string[] = []
  for await (const name of createInterface(child.stdout)) {
    names.push(name)
    if (names.length === count) child.kill('SIGKILL')
  }
  await exit
  const book = parseUsers(readFileSync(path, 'utf8'), path)
  return { acknowledged: names.length, lost: names.filter((name) => book.user(name) === undefined) }
}
