/** Ascending whole numbers as compact text: `22,80,8000-8100`. Empty for none. */
export function formatRanges(numbers: Iterable<number>): string {
  const pieces: string[] = []
  let first: number | undefined
  let last = 0
  const close = (): void => {
    if (first !== undefined) pieces.push(first === last ? `${first}` : `${first}-${last}`)
  }
  for (const number of numbers) {
    if (first === undefined || number !== last + 1) {
      close()
      first = number
    }
    last = number
  }
  close()
  return pieces.join(',')
}

/**
 * Reads what `formatRanges` wrote.
 * @throws {RangeError} when it is something else, or has a number above `highest`.
 */
export function* parseRanges(text: string, highest: number): Generator<readonly [first: number, last: number]> {
  if (text === '') return
  let before = -1
  for (const piece of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(piece)
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (match === null || first <= before || last < first || last > highest) throw new RangeError(`"${piece}"`)
    before = last
    yield [first, last]
  }
}
