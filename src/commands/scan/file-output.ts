import { access, constants, type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { resultLine, summaryLine } from '../../scan/report/json.ts'
import { batches, cantWrite, writeWhole } from './atomic-file.ts'
import { LineBatch } from './line-batch.ts'
import { render, type ScanOutput } from './output.ts'
import type { OutputFormat } from './request.ts'

/**
 * Writes to a file: as a whole at the end, but JSON Lines, which others may be following, as they come. That it can be
 * written is known before the scan begins.
 * @throws {StorageError}
 */
export async function fileOutput(format: OutputFormat, path: string, clock: Clock): Promise<ScanOutput> {
  const special = await isSpecial(path)
  if (format !== 'jsonl' && !special) {
    try {
      await access(dirname(path), constants.W_OK)
    } catch (error) {
      throw cantWrite(path, error)
    }
    return {
      result() {},
      finish: (report) => writeWhole(path, render[format](report)),
    }
  }
  const file = await openForWriting(path)
  let written: Promise<unknown> = Promise.resolve()
  const append = (text: string): void => {
    written = written.then(() => file.appendFile(text))
    // Reported by `finish`; until then the scan goes on.
    written.catch(() => {})
  }
  const lines = new LineBatch(clock, append)
  return {
    result: (result) => {
      if (format === 'jsonl') lines.add(resultLine(result))
    },
    async finish(report) {
      lines.flush()
      for (const batch of batches(format === 'jsonl' ? [summaryLine(report)] : render[format](report))) append(batch)
      try {
        await written
      } catch (error) {
        throw cantWrite(path, error)
      } finally {
        await file.close()
      }
    },
  }
}

/** Something that exists and is no plain file (a pipe, /dev/stderr) can't be replaced, only written to. */
async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw cantWrite(path, error)
  })
  if (found?.isDirectory() === true) throw cantWrite(path, { code: 'EISDIR' })
  return found !== undefined && !found.isFile()
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w')
  } catch (error) {
    throw cantWrite(path, error)
  }
}
