/** A whole number with its digits in groups of three, `65,535`. (`toLocaleString` loads a library of ten milliseconds for it.) */
export function grouped(value: number | bigint): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
