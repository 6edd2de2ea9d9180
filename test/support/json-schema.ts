/** As much of JSON Schema (2020-12) as our schemas use. */
export interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
}

/** What of `value` is not as `schema` says; `root` holds the definitions. Empty when all is well. */
export function violations(value: unknown, schema: Schema, root: Schema = schema, at = '$'): string[] {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')]
    return target === undefined ? [`${at}: no definition ${schema.$ref}`] : violations(value, target, root, at)
  }
  const found: string[] = []
  if (schema.type !== undefined && !hasType(value, schema.type)) return [`${at}: is no ${schema.type}`]
  if ('const' in schema && value !== schema.const) found.push(`${at}: is not ${schema.const}`)
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${at}: is none of ${schema.enum}`)
  if (schema.minimum !== undefined && Number(value) < schema.minimum) found.push(`${at}: is below ${schema.minimum}`)
  if (schema.maximum !== undefined && Number(value) > schema.maximum) found.push(`${at}: is above ${schema.maximum}`)
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined
      ? found
      : [...found, ...value.flatMap((item, n) => violations(item, items, root, `${at}[${n}]`))]
  }
  if (typeof value !== 'object' || value === null) return found
  for (const name of schema.required ?? []) if (!(name in value)) found.push(`${at}: lacks ${name}`)
  for (const [name, member] of Object.entries(value)) {
    const rule = schema.properties?.[name] ?? schema.additionalProperties
    if (rule === false) found.push(`${at}: has ${name}, which the schema does not know`)
    else if (typeof rule === 'object') found.push(...violations(member, rule, root, `${at}.${name}`))
  }
  return found
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}
