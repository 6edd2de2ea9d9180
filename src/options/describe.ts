import { environmentName, flagName, type OptionSpec, type OptionSpecs } from './spec.ts'

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

/** How the default is written; undefined when there is none. */
export function defaultText(spec: OptionSpec<unknown>): string | undefined {
  return spec.defaultText ?? (spec.default === undefined ? undefined : String(spec.default))
}
