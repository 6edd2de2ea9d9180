import { errorCode, reasonOf, StorageError } from '../../base/errors.ts'
import { replaceFile } from '../../files/replace-file.ts'

/** Puts `pieces` in the place of a file as a whole. @throws {StorageError} */
export async function writeWhole(path: string, pieces: Iterable<string>): Promise<void> {
  try {
    await replaceFile(path, batches(pieces))
  } catch (error) {
    throw cantWrite(path, error)
  }
}

/** The sentence for a file that can't be written. */
export function cantWrite(path: string, cause: unknown): StorageError {
  return new StorageError(errorCode(cause), `can't write ${path}: ${reasonOf(cause)}`, {
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
