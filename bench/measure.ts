// Whoever reads what a bench says may have read enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

/** The middle one; of an even number the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

/** Rows in columns, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

/** Runs every contender once, then all of them again: a slow minute of the machine hits them alike. */
export async function interleaved<T, N extends string = string>(
  names: readonly N[],
  runs: number,
  run: (name: N) => Promise<T>,
): Promise<Map<N, T[]>> {
  const results = new Map<N, T[]>(names.map((name) => [name, []]))
  for (let i = 0; i < runs; i++) for (const name of names) results.get(name)?.push(await run(name))
  return results
}
