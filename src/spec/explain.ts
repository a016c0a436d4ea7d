/** The cold half of loading: says why a document was refused. Loaded only when one was. */

import { ConfigError } from '../base/errors.js'
import { explainSpec, wideFields } from './explain.gen.js'
import type { DocumentKind, Explainer } from './load.js'
import { escapeKey, show, valueAt } from './pointer.js'
import { syntaxProblem } from './syntax.js'

/** What ajv tells of one error. */
interface SchemaError {
  readonly instancePath: string
  readonly keyword: string
  readonly params: {
    readonly missingProperty?: string
    readonly type?: string
    readonly limit?: number
    readonly allowedValues?: readonly string[]
    readonly pattern?: string
  }
  readonly parentSchema: { readonly type?: string; readonly description?: string }
}

/** What a JSON value is called in a message. */
function kindOf(value: unknown): string {
  if (value === null) return 'null (leave the property out instead)'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'object':
      return 'an object'
    case 'number':
      return Number.isInteger(value) ? `the integer ${value}` : `the number ${value}`
    case 'string':
      return `the string ${show(value)}`
    default:
      return show(value)
  }
}

const typeNames: Record<string, string> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'an integer',
  boolean: 'true or false',
}

/** The limits of 64-bit types are rounded as numbers. */
function bound(limit = 0): string {
  if (limit === 2 ** 64) return `${2n ** 64n - 1n}`
  return limit === 2 ** 63 ? `${2n ** 63n - 1n}` : `${BigInt(limit)}`
}

/** The rule that was broken and the value that broke it. */
function reason(error: SchemaError, value: unknown): string {
  const { params } = error
  switch (error.keyword) {
    case 'required':
      return `required property ${show(params.missingProperty)} is missing`
    case 'type':
      return `must be ${typeNames[params.type ?? ''] ?? params.type}, is ${kindOf(value)}`
    case 'minimum':
      return `must be at least ${bound(params.limit)}, is ${show(value)}`
    case 'maximum':
      return `must be at most ${bound(params.limit)}, is ${show(value)}`
    case 'enum':
      return `must be one of ${(params.allowedValues ?? []).filter(name => name !== '').join(', ')}; is ${show(value)}`
    case 'pattern':
      return `must match ${params.pattern}, is ${show(value)}`
    case 'minItems':
      return `must have at least ${params.limit} element, has none`
    default:
      return `breaks the rule ${error.keyword}, is ${show(value)}`
  }
}

/** What the field means, up to the first stop: `Most memory, in bytes.` → ` (most memory, in bytes)`. */
function hint(keyword: string, type: string | undefined, description = ''): string {
  if (keyword === 'required' || keyword === 'enum' || type === 'object' || description === '') return ''
  const ends = ['. ', ';', ':'].map(stop => description.indexOf(stop)).filter(index => index !== -1)
  const clause = description.slice(0, Math.min(...ends, description.length))
  const second = clause.charAt(1)
  const name = second !== second.toLowerCase()
  const start = name ? clause.charAt(0) : clause.charAt(0).toLowerCase()
  return ` (${start}${clause.slice(1, clause.endsWith('.') ? -1 : undefined)})`
}

/** Part documents are validated in their place in a whole one; `prefix` is that place. */
const places: Record<DocumentKind, { prefix: string; wrap: (document: unknown) => unknown }> = {
  Spec: { prefix: '', wrap: document => document },
  Process: { prefix: '/process', wrap: document => ({ ociVersion: '1.0.0', process: document }) },
  Resources: {
    prefix: '/linux/resources',
    wrap: document => ({ ociVersion: '1.0.0', linux: { resources: document } }),
  },
}

function schema(kind: DocumentKind, document: unknown): ConfigError | undefined {
  const { prefix, wrap } = places[kind]
  const whole = wrap(document)
  if (explainSpec(whole)) return undefined
  const errors = (explainSpec as unknown as { errors: SchemaError[] }).errors
  const first = errors[0] as SchemaError
  const others = errors.length - 1
  const more = others === 0 ? '' : `; and ${others} more ${others === 1 ? 'error' : 'errors'}`
  const parent = first.parentSchema
  const text = reason(first, valueAt(whole, first.instancePath))
  return new ConfigError(
    first.instancePath.slice(prefix.length),
    `schema-${first.keyword}`,
    `${text}${hint(first.keyword, parent.type, parent.description)}${more}`,
  )
}

/** All places in `document` that `path` leads to, where `*` stands for every element. */
function matches(document: unknown, path: string): { pointer: string; value: unknown }[] {
  let found = [{ pointer: '', value: document }]
  for (const part of path.split('/').slice(1)) {
    const next: typeof found = []
    for (const { pointer, value } of found) {
      if (typeof value !== 'object' || value === null) continue
      const keys = part === '*' ? Object.keys(value) : Object.hasOwn(value, part) ? [part] : []
      for (const key of keys) {
        next.push({ pointer: `${pointer}/${escapeKey(key)}`, value: (value as Record<string, unknown>)[key] })
      }
    }
    found = next
  }
  return found
}

function range(kind: DocumentKind, document: unknown): ConfigError | undefined {
  for (const [path, unsigned] of wideFields[kind] as [string, boolean][]) {
    const [min, max] = unsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n]
    for (const { pointer, value } of matches(document, path)) {
      if (typeof value === 'bigint' && (value < min || value > max)) {
        return new ConfigError(
          pointer,
          'integer-range',
          `must be an integer from ${min} to ${max}, is ${value}`,
        )
      }
      if (typeof value === 'number' && !Number.isSafeInteger(value)) {
        const text =
          'an integer beyond 2^53 must be written with all its digits, without fraction or exponent'
        return new ConfigError(pointer, 'integer-exact', `${text}; is ${value}`)
      }
    }
  }
  return undefined
}

/** Pointer of the first string or property name with a NUL character. */
function nul(document: unknown, pointer = ''): ConfigError | undefined {
  const bad = (at: string, what: string) =>
    new ConfigError(
      at,
      'no-nul',
      `${what} contains nul byte (\\u0000), which no path, name or argument can have`,
    )
  if (typeof document === 'string') return document.includes('\0') ? bad(pointer, 'the string') : undefined
  if (typeof document !== 'object' || document === null) return undefined
  for (const [key, value] of Object.entries(document)) {
    if (key.includes('\0')) return bad(pointer, 'a property name')
    const error = nul(value, `${pointer}/${escapeKey(key)}`)
    if (error !== undefined) return error
  }
  return undefined
}

function syntax(text: string): ConfigError {
  const problem = syntaxProblem(text)
  // QuickJS's JSON.parse recurses.
  if (problem === undefined) return new ConfigError('', 'json-depth', 'invalid JSON: it is nested too deeply')
  const { line, column, message } = problem
  return new ConfigError('', 'json', `invalid JSON: line ${line}, column ${column}: ${message}`)
}

export const explainer: Explainer = { syntax, schema, range, nul }
