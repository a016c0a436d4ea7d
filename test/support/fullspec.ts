/** A document that has every property of the schemas, made from them: nothing to keep in step by hand. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly items?: Schema
  readonly properties?: Record<string, Schema>
  readonly additionalProperties?: Schema
}

const schemas = fileURLToPath(new URL('../../schemas/', import.meta.url))
const defs: Record<string, Schema> = Object.assign(
  {},
  ...readdirSync(schemas).map(file => JSON.parse(readFileSync(schemas + file, 'utf8')).$defs),
)

/** A string for each pattern of the schemas. */
const matching: Record<string, string> = {
  '^[1-9][0-9]*[KMG]B$': '2MB',
  '^MB:[^\\n]*$': 'MB:0=10',
  '^CAP_[A-Z_]+$': 'CAP_CHOWN',
}

function example(schema: Schema): unknown {
  if (schema.$ref !== undefined) return example(defs[schema.$ref.split('/').at(-1) ?? ''] as Schema)
  switch (schema.type) {
    case 'object':
      if (schema.additionalProperties !== undefined) return { name: example(schema.additionalProperties) }
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, value]) => [key, example(value)]),
      )
    case 'array':
      return [example(schema.items as Schema)]
    case 'integer':
      return Math.max(schema.minimum ?? 0, 1)
    case 'boolean':
      return true
    case 'string':
      return schema.enum?.[0] ?? matching[schema.pattern ?? ''] ?? 'text'
    default:
      return {}
  }
}

/** A new document of the type that the schemas define under this name. */
export function fullDocument(name: 'Spec' | 'State' | 'Features'): Record<string, unknown> {
  return example({ $ref: name }) as Record<string, unknown>
}

/** A document that differs in one place from a valid one. */
export interface Mutant {
  /** JSON pointer of that place. */
  readonly pointer: string
  /** What stands there instead; undefined: nothing. */
  readonly value: unknown
  readonly document: Record<string, unknown>
}

const replacements = [
  undefined,
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 63),
  2 ** 65,
  'text',
  '',
  [],
  ['x'],
  [1],
  {},
  { x: 1 },
]

/** Every document that has another value, or none, at one place. `document` is changed while the iteration runs. */
export function* mutants(document: Record<string, unknown>): Generator<Mutant> {
  function* walk(holder: Record<string, unknown>, pointer: string): Generator<Mutant> {
    for (const key of Object.keys(holder)) {
      const old = holder[key]
      const at = `${pointer}/${key}`
      for (const value of replacements) {
        if (value !== undefined) holder[key] = value
        // An array must not get a hole.
        else if (!Array.isArray(holder)) delete holder[key]
        yield { pointer: at, value, document }
        holder[key] = old
      }
      if (typeof old === 'object' && old !== null) yield* walk(old as Record<string, unknown>, at)
    }
  }
  yield* walk(document, '')
}
