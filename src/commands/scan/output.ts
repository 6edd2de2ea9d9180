import type { Clock } from '../../base/clock.ts'
import { renderCsv } from '../../scan/report/csv.ts'
import { renderJson, resultLine, summaryLine } from '../../scan/report/json.ts'
import type { ScanReport } from '../../scan/report/report.ts'
import { renderText } from '../../scan/report/text.ts'
import type { PortResult } from '../../scan/types.ts'
import { batches } from './atomic-file.ts'
import { LineBatch } from './line-batch.ts'
import type { OutputFormat } from './request.ts'

/** Where the answer goes. */
export interface ScanOutput {
  /** A result that is to be listed, the moment it is there. */
  result(result: PortResult): void
  /** The end of the scan. */
  finish(report: ScanReport): Promise<void>
}

/** Writes a report in each format that is written at the end. */
export const render = { text: renderText, json: renderJson, csv: renderCsv }

/** Writes to standard output; `aside` keeps the progress bar out of the way meanwhile. */
export function streamOutput(
  format: OutputFormat,
  stdout: NodeJS.WriteStream,
  clock: Clock,
  aside: (write: () => void) => void,
): ScanOutput {
  if (format !== 'jsonl') {
    return {
      result() {},
      async finish(report) {
        for (const batch of batches(render[format](report))) await writeAll(stdout, batch)
      },
    }
  }
  const lines = new LineBatch(clock, (text) => aside(() => stdout.write(text)))
  return {
    result: (result) => lines.add(resultLine(result)),
    async finish(report) {
      lines.flush()
      await writeAll(stdout, summaryLine(report))
    },
  }
}

/** Waits for a slow reader; one that went away ends the process elsewhere. */
function writeAll(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve())
  })
}
