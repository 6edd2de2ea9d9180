import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces whole files; tests put a full or broken disk in its place. */
export interface Disk {
  /** Resolves once the new content would survive a power cut. When it rejects, the old content is still there. */
  replace(path: string, text: Iterable<string>): Promise<void>
}

/**
 * Write a temporary file beside the old one, flush it, rename it over the old one, flush the folder: at every moment the
 * name leads to a whole file, old or new. (Flushing the folder is not possible, nor needed, on Windows.)
 */
export const disk: Disk = {
  async replace(path, text) {
    const temporary = `${path}.tmp`
    const file = await open(temporary, 'w', 0o600)
    try {
      try {
        await file.chmod(0o600)
        for (const portion of text) await file.write(portion)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    await syncFolder(dirname(path))
  },
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  if (folder === undefined) return
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
