import type { Heard, Voice } from './talk.ts'

/** What a field of a message holds. */
export type Field = 'text' | 'number or text'

/** The messages a client may send, by type, with their fields. A field whose name ends in `?` may be missing. */
export type Shapes = Readonly<Record<string, Readonly<Record<string, Field>>>>

type Json = Readonly<Record<string, unknown>>

/** Messages as JSON objects with a `type`, one a frame. `C` must be what `shapes` describes. */
export function frameVoice<C, S>(shapes: Shapes): Voice<C, S> {
  return {
    hear: (text) => read<C>(text, shapes),
    say: (message) => [JSON.stringify(message)],
  }
}

/** Never says what was sent: it may be a secret in the wrong place. */
function read<C>(text: string, shapes: Shapes): Heard<C> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return nonsense('A message is a JSON object.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return nonsense('A message is a JSON object.')
  const { type } = value as Json
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined
  if (shape === undefined) return nonsense(`The type of a message is one of ${Object.keys(shapes).join(', ')}.`)
  const message: Record<string, unknown> = { type }
  for (const [key, field] of Object.entries(shape)) {
    const name = key.replace('?', '')
    const given = (value as Json)[name]
    if (given === undefined && key.endsWith('?')) continue
    const good = typeof given === 'string' || (field === 'number or text' && typeof given === 'number')
    if (!good) return nonsense(`A message of the type ${type} has the field ${name}: ${field}.`)
    message[name] = given
  }
  return { kind: 'message', message: message as C }
}

function nonsense(why: string): { readonly kind: 'nonsense'; readonly why: string } {
  return { kind: 'nonsense', why }
}
