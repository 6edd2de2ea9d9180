/**
 * The candidate that was most likely meant by `word`, or undefined when none is near: the only one that begins with it,
 * else the one with the fewest slips of the finger, at most one in three letters.
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const beginning = candidates.filter((candidate) => word.length >= 2 && candidate.startsWith(word))
  if (beginning.length === 1) return beginning[0]
  let nearest: string | undefined
  let least = Math.ceil(word.length / 3) + 1
  for (const candidate of candidates) {
    const slips = distance(word, candidate)
    if (slips < least && slips < candidate.length) {
      least = slips
      nearest = candidate
    }
  }
  return nearest
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that make `a` into `b` (Damerau–Levenshtein, each letter
 * touched once). Costs |a| × |b|, so long words are cut: nobody means them.
 */
export function distance(a: string, b: string): number {
  const from = [...a].slice(0, 64)
  const to = [...b].slice(0, 64)
  let before: number[] = []
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (same ? 0 : 1),
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = above
    above = current
  }
  return at(above, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
