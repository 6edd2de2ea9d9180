/** Two columns, the right one wrapped at `width`: what every help page is made of. */
export function columns(rows: readonly (readonly [left: string, right: string])[], width: number): string {
  const left = Math.min(30, Math.max(0, ...rows.map(([term]) => term.length)) + 2)
  const indent = ' '.repeat(left + 2)
  return rows
    .map(([term, meaning]) => {
      const lines = wrap(meaning, Math.max(24, width - indent.length))
      // A term too long for its column gets a line of its own.
      const head = term.length > left - 2 ? `  ${term}\n${indent}` : `  ${term.padEnd(left)}`
      return head + lines.join(`\n${indent}`)
    })
    .map((row) => `${row.trimEnd()}\n`)
    .join('')
}

/** Breaks at spaces; a word longer than `width` stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
