import type { CgroupPaths } from '../../host/cgroup.js'
import type { OpOf, UnitProperty } from '../../plan/op.js'
import type { Resources } from '../../spec/types.gen.js'
import { knobsFor } from './families.js'
import { unitProperties } from './scope.js'
import { knobOp } from './writes.js'

/**
 * The writes that lead a container's cgroups from their limits to others. Only what `asked` names is written, and what the kernel or a
 * conversion takes together with it; device rules never are (GPUs vanished that way: runc#3708). Pure. Throws ConfigError, HostError.
 */
export function lowerUpdate(
  asked: Resources,
  merged: Resources,
  paths: CgroupPaths,
  warn: (pointer: string, message: string) => void,
): OpOf<'cgroup_write'>[] {
  const ops: OpOf<'cgroup_write'>[] = []
  for (const row of knobsFor(merged)) {
    const value = row.get(merged)
    if (value === undefined || !isTouched(row.field, asked)) continue
    const column = isUnified(paths) ? row.v2 : row.v1
    if ('elsewhere' in column) continue
    if ('none' in column) {
      warn(row.field, `ignored: ${column.none}`)
      continue
    }
    const text = column.text(value, merged, row.field)
    if (text !== undefined) ops.push(knobOp(row.field, paths, column, text, value))
  }
  return ops
}

/** The same for the container's systemd unit: the properties of what is written. Throws ConfigError. */
export function updateUnit(asked: Resources, merged: Resources, paths: CgroupPaths): UnitProperty[] {
  return unitProperties(merged, isUnified(paths), ({ field }) => isTouched(field, asked))
}

/** Fields that belong together: when the first is asked for, the second is written, too. */
const together: readonly (readonly [string, string])[] = [
  ['cpu/period', 'cpu/quota'],
  ['cpu/quota', 'cpu/period'],
  // cgroup v2 has swap alone, which is their difference.
  ['memory/limit', 'memory/swap'],
  // Leaving SCHED_IDLE sets the default weight.
  ['cpu/idle', 'cpu/shares'],
]

const PREFIX = '/linux/resources/'

function isTouched(field: string, asked: Resources): boolean {
  const name = field.slice(PREFIX.length)
  if (isAsked(name, asked)) return true
  for (const [first, second] of together) if (second === name && isAsked(first, asked)) return true
  return false
}

function isAsked(name: string, asked: Resources): boolean {
  let value: unknown = asked
  for (const part of name.split('/')) {
    if (typeof value !== 'object' || value === null) return false
    value = (value as Record<string, unknown>)[part]
  }
  return value !== undefined
}

export const isUnified = ({ v1, v2 }: CgroupPaths): boolean =>
  v2 !== undefined && Object.keys(v1).length === 0

type Section = keyof Resources

/** Sections of plain fields, whose zeros say "as it was": engines fill them with zeros. Of other sections (lists) the new one counts. */
const sections: readonly Section[] = ['memory', 'cpu', 'blockIO', 'network', 'pids', 'unified', 'rdma']

/** Fields for which 0 (or nothing else) is a value of its own. */
const zeroCounts: readonly string[] = ['cpu/idle', 'cpu/burst', 'memory/swappiness', 'pids/limit']

/** The limits of a container with those that an update asks for put over them, field by field; devices stay what they were. */
export function mergeResources(old: Resources, asked: Resources): Resources {
  const merged: Record<string, unknown> = { ...old, ...asked }
  for (const section of sections) {
    if (asked[section] !== undefined) merged[section] = { ...old[section], ...asked[section] }
  }
  const { memory } = asked
  // Memory without limit means swap without limit, unless that was asked for, too.
  if (memory !== undefined && Number(memory.limit) === -1 && memory.swap === undefined) {
    merged.memory = { ...(merged.memory as object), swap: -1 }
  }
  return merged as Resources
}

/** `asked` without devices and without what says nothing: zeros, empty texts and lists. */
export function withoutZeros(asked: Resources): Resources {
  const result: Record<string, unknown> = {}
  for (const name in asked) {
    if (name === 'devices') continue
    const value: unknown = asked[name as Section]
    const kept = sections.includes(name as Section) ? nonZeros(name, value as object) : value
    if (isSomething(kept)) result[name] = kept
  }
  return result as Resources
}

function nonZeros(section: string, values: object): object {
  const kept: Record<string, unknown> = {}
  for (const name in values) {
    const value: unknown = values[name as never]
    if (zeroCounts.includes(`${section}/${name}`) || isSomething(value)) kept[name] = value
  }
  return kept
}

function isSomething(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return value !== undefined && value !== '' && value !== false && value !== 0 && value !== 0n
}
