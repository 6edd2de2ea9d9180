import type { Kind } from './kinds.ts'

/** One option of a command, defined once: parsing, help, environment variable, prompt and default all follow from it. */
export interface OptionSpec<T> {
  readonly kind: Kind<T>
  /** One line for the help; of a switch that is on by default, what `--no-` does. */
  readonly summary: string
  readonly default: T
  /** One letter. */
  readonly alias?: string
  /** The question on a terminal when neither flag nor environment gave a value. Without it nothing is asked. */
  readonly ask?: string
  /** Nor is anything asked when this option, by its name in camel case, has a value. */
  readonly askUnless?: string
  /** What the flag means without a value, as text: `--wait` alone. A word behind it is its value only if that parses. */
  readonly bare?: string
  /** May be given several times; the kind then parses the values joined by commas. */
  readonly repeatable?: boolean
  /** How the default is written in the help, where its value would not explain itself. */
  readonly defaultText?: string
  /** A password or a key: taken from the environment or a hidden prompt, never from argv, and never shown. */
  readonly secret?: boolean
}

/** Options by their long name in camel case: `maxClients` is `--max-clients` and `NETLAB_MAX_CLIENTS`. */
// biome-ignore lint/suspicious/noExplicitAny: a table of options of different types; `Values` gives each its own type back.
export type OptionSpecs = Readonly<Record<string, OptionSpec<any>>>

export type Values<S extends OptionSpecs> = { readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never }

/** Checks a single spec and keeps its value type. */
export function option<const T>(spec: OptionSpec<T>): OptionSpec<T> {
  return spec
}

/** `maxClients` → `max-clients` */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `maxClients` → `NETLAB_MAX_CLIENTS` */
export function environmentName(name: string): string {
  return `NETLAB_${flagName(name).replaceAll('-', '_').toUpperCase()}`
}

/** How the default is written; undefined when there is none. */
export function defaultText(spec: OptionSpec<unknown>): string | undefined {
  return spec.defaultText ?? (spec.default === undefined ? undefined : String(spec.default))
}
