import { defaultText, environmentName, flagName, type OptionSpec, type OptionSpecs } from './spec.ts'

/** One row of help for each option: how it is written, and what it does, its default and its variable. */
export function describeOptions(specs: OptionSpecs): (readonly [left: string, right: string])[] {
  return Object.entries(specs).map(([name, spec]) => [term(name, spec), meaning(name, spec)])
}

/** `-p, --port PORT`; `--no-console` for a switch that is on unless turned off. */
function term(name: string, spec: OptionSpec<unknown>): string {
  if (spec.secret === true) return environmentName(name)
  const letter = spec.alias === undefined ? '    ' : `-${spec.alias}, `
  const flag = `--${spec.default === true ? 'no-' : ''}${flagName(name)}`
  const value = spec.bare === undefined ? spec.kind.placeholder : `[${spec.kind.placeholder}]`
  return `${letter}${flag}${value === '' ? '' : ` ${value}`}`
}

function meaning(name: string, spec: OptionSpec<unknown>): string {
  const notes: string[] = []
  if (spec.repeatable === true) notes.push('may be repeated')
  const shown = spec.secret === true || typeof spec.default === 'boolean' ? undefined : defaultText(spec)
  if (shown !== undefined && shown !== '') notes.push(`default ${shown}`)
  notes.push(spec.secret === true ? 'environment only' : variable(name, spec))
  return `${spec.summary} (${notes.join('; ')})`
}

/** `NETLAB_PORT`; `NETLAB_CONSOLE=no` for what the row tells to turn off. */
function variable(name: string, spec: OptionSpec<unknown>): string {
  return `${environmentName(name)}${spec.default === true ? '=no' : ''}`
}

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
