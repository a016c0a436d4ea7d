import type { ConfigError } from '../../base/errors.js'
import type { Spec } from '../types.gen.js'
import { broken, hasNamespace, type SpecRule } from './rule.js'

/** A part of the specification that is refused until it is built: then its row goes. */
interface Row {
  /** Where it stands; * is every element of a list. */
  readonly at: readonly string[]
  readonly what: string
  /** Which values mean that it is asked for. Without it: all but empty ones (false, 0, '', or lists and objects of such). */
  readonly when?: (value: unknown) => boolean
}

const isThere = (): boolean => true

const ofSpec: readonly Row[] = [
  // An empty one asks for something, too: a resource group of the container's own.
  { at: ['linux', 'intelRdt'], what: 'Intel RDT', when: isThere },
]

/** Engines write empty sections for what they do not ask for: Docker always has `"blockIO": {"weight": 0}`. */
function isSet(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value !== '' && value !== 0 && value !== false
  for (const key in value) if (isSet((value as Record<string, unknown>)[key])) return true
  return false
}

/** Where `row` is asked for, below `value`, which row.at[depth] leads on from: the rest of the pointer. */
function find(row: Row, value: unknown, depth: number): string | undefined {
  if (value === undefined) return undefined
  if (depth === row.at.length) return (row.when ?? isSet)(value) ? '' : undefined
  const part = row.at[depth] as string
  if (part !== '*') {
    const rest = find(row, (value as Record<string, unknown>)[part], depth + 1)
    return rest === undefined ? undefined : `/${part}${rest}`
  }
  const list = value as readonly unknown[]
  for (let i = 0; i < list.length; i++) {
    const rest = find(row, list[i], depth + 1)
    if (rest !== undefined) return `/${i}${rest}`
  }
  return undefined
}

function findAny(rows: readonly Row[], value: Spec, at: string): ConfigError | undefined {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as Row
    const pointer = find(row, value, 0)
    if (pointer !== undefined) {
      return broken(at + pointer, 'unsupported', `${row.what} is not supported by this version of tsrun`)
    }
  }
  return undefined
}

export const unsupported: SpecRule = spec => findAny(ofSpec, spec, '')

/** Whether a field is refused, by its path without indexes: `linux/netDevices`. `features` says the opposite. */
export function isUnsupported(path: string): boolean {
  for (const rows of [ofSpec]) {
    for (const { at } of rows) if (at.join('/') === path) return true
  }
  return false
}

/** Without a mount namespace every mount, mask and pivot would be the host's. */
export const mountNamespace: SpecRule = spec =>
  hasNamespace(spec, 'mount')
    ? undefined
    : broken(
        '/linux/namespaces',
        'unsupported',
        'a container without a mount namespace is not supported: add {"type": "mount"}',
      )
