import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRawAsset } from 'node:sea'
import { errorCode, errorMessage, StorageError } from '../../base/errors.ts'

/**
 * Loads a native addon that the standalone binary carries. The system loads code from files only, so it is written to a
 * folder that nobody else can enter and removed at once; Windows keeps a file that is in use.
 * @throws {StorageError} when no folder can be found for it.
 */
export function loadAddon(name: string): unknown {
  let reason: unknown
  for (const parent of new Set([tmpdir(), '/dev/shm', '.'])) {
    let folder: string | undefined
    try {
      folder = mkdtempSync(join(parent, 'netlab-'))
      const file = join(folder, `${name}.node`)
      writeFileSync(file, new Uint8Array(getRawAsset(`${name}.node`)), { mode: 0o700 })
      const module = { exports: {} }
      process.dlopen(module, file, constants.dlopen.RTLD_NOW)
      return module.exports
    } catch (error) {
      reason ??= error
    } finally {
      if (folder !== undefined) remove(folder)
    }
  }
  throw new StorageError(errorCode(reason), `cannot load the ${name} addon: ${errorMessage(reason)}`, {
    hint: 'set TMPDIR to a folder where programs may be written and run',
    cause: reason,
  })
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // It stays until the system clears its temporary files.
  }
}
