import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode, StorageError } from '../../base/errors.ts'

/**
 * Puts `pieces` in the place of a file as a whole: whoever reads it, and whenever the machine stops, finds the old
 * contents or the new ones.
 * @throws {StorageError}
 */
export async function writeAtomically(path: string, pieces: Iterable<string>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      for (const piece of batches(pieces)) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw cantWrite(path, error)
  }
}

/** The sentence for a file that can't be written. */
export function cantWrite(path: string, cause: unknown): StorageError {
  return new StorageError(errorCode(cause), `can't write ${path} (${errorCode(cause)})`, {
    hint: 'name a file in a folder that exists, has room, and may be written',
    cause,
  })
}

/** Small pieces joined, so that a line is not a system call. */
export function* batches(pieces: Iterable<string>): Generator<string> {
  let batch = ''
  for (const piece of pieces) {
    batch += piece
    if (batch.length < 65_536) continue
    yield batch
    batch = ''
  }
  if (batch !== '') yield batch
}
