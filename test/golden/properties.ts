/** The properties of config.json, from the schema; and of a config, from what it holds. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/payload.js'

interface Schema {
  readonly $ref?: string
  readonly enum?: readonly string[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
}
const defs: Readonly<Record<string, Schema>> = Object.assign(
  {},
  ...readdirSync(join(repository, 'schemas')).map(
    file => JSON.parse(readFileSync(join(repository, 'schemas', file), 'utf8')).$defs,
  ),
)
const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined ? schema : resolved(defs[schema.$ref.split('/').at(-1) ?? ''] as Schema)

/** Every property of the schema with its words; `*` stands for an index or a name. */
function* properties(schema: Schema, at: string): Generator<readonly [string, readonly string[]]> {
  const { properties: own, items, additionalProperties } = resolved(schema)
  for (const [name, inner] of Object.entries(own ?? {})) {
    const { enum: words, items: list } = resolved(inner)
    yield [`${at}/${name}`, words ?? resolved(list ?? {}).enum ?? []]
    yield* properties(inner, `${at}/${name}`)
  }
  if (items !== undefined) yield* properties(items, `${at}/*`)
  if (additionalProperties !== undefined) yield* properties(additionalProperties, `${at}/*`)
}

export type Holder = Record<string, unknown>

/** The properties of a config, with their holders. */
export function* places(
  holder: Holder,
  at: string,
): Generator<{ path: string; holder: Holder; key: string }> {
  for (const key of Object.keys(holder)) {
    const path = `${at}/${key}`
    if (!Array.isArray(holder)) yield { path, holder, key }
    const value = holder[key]
    if (typeof value === 'object' && value !== null) yield* places(value as Holder, path)
  }
}

export const allProperties = new Map(properties({ $ref: 'Spec' }, ''))
const patterns = [...allProperties.keys()].map(path => [path, path.split('/')] as const)

/** The property that a place in a config is, where names and numbers are `*`. */
export const propertyAt = (path: string): string | undefined => {
  const parts = path.split('/')
  return patterns.find(
    ([, pattern]) =>
      pattern.length === parts.length && pattern.every((part, i) => part === '*' || part === parts[i]),
  )?.[0]
}
