/** A measured figure beside the one that was asked for. */
export interface Row {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly wanted: string
  readonly good: boolean
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

export function printRows(rows: readonly Row[]): void {
  for (const { what, value, unit, wanted, good } of rows) {
    console.log(`${good ? ' ' : '!'} ${what}: ${value.toPrecision(3)} ${unit} (wanted ${wanted})`)
  }
}
