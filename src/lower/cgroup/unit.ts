/** The systemd unit of a container: its name, its place and the properties that it starts with. Loaded with `--systemd-cgroup` only. */
import { ConfigError } from '../../base/errors.js'
import type { UnitProperty } from '../../plan/op.js'
import { originOf } from './paths.js'
import { annotatedProperties } from './unitannotations.js'

const FIELD = '/linux/cgroupsPath'

/** A unit that is to be made. */
export interface Unit {
  /** `docker-0123.scope`. */
  readonly name: string
  /** Its cgroup below the manager's: `/a.slice/a-b.slice/docker-0123.scope`. */
  readonly path: string
  readonly properties: readonly UnitProperty[]
}

/**
 * The scope that `cgroupsPath` names, `slice:prefix:name`, with runc's rules: an absent path is `:tsrun:ID`, an empty slice the default one,
 * `-` or `-.slice` the root. `user`: of a user's own manager. Throws ConfigError.
 */
export function lowerUnit(
  cgroupsPath: string | undefined,
  id: string,
  user: boolean,
  annotations: Readonly<Record<string, string>>,
): Unit {
  const asked = cgroupsPath === undefined || cgroupsPath === '' ? `:tsrun:${id}` : cgroupsPath
  const parts = asked.split(':')
  if (parts.length !== 3) {
    throw new ConfigError(
      FIELD,
      'cgroups-path-systemd',
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(asked)} instead (leave out --systemd-cgroup for a path)`,
    )
  }
  const [slice, prefix, name] = parts as [string, string, string]
  const parent = slice === '' ? (user ? 'user.slice' : 'system.slice') : slice === '-' ? '-.slice' : slice
  const unit = scopeName(prefix, name)
  const at = originOf(cgroupsPath)
  return {
    name: unit,
    path: `${expandSlice(parent)}/${unit}`,
    properties: withAnnotations(fixedProperties(id, parent, at), annotations),
  }
}

/** What a unit's name may hold, systemd.unit(5). */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@'
const LONGEST = 255

function scopeName(prefix: string, name: string): string {
  if (name === '') throw wrong('cgroups-path-name', 'the name after the second colon is missing')
  if (name.endsWith('.slice')) {
    throw wrong('cgroups-path-name', `${JSON.stringify(name)} is a slice, a container needs a scope`)
  }
  const unit = `${prefix}-${name}.scope`
  for (const letter of unit) {
    if (LETTERS.includes(letter)) continue
    throw wrong(
      'cgroups-path-name',
      `${JSON.stringify(letter)} cannot be in the name of a systemd unit (letters, digits and :-_.\\@ can)`,
    )
  }
  if (unit.length > LONGEST)
    throw wrong('cgroups-path-name', `${JSON.stringify(unit)} is longer than ${LONGEST} letters`)
  return unit
}

/** `a-b.slice` is `/a.slice/a-b.slice`, `-.slice` the root (''). Throws ConfigError. */
export function expandSlice(slice: string): string {
  const END = '.slice'
  if (slice === '-.slice') return ''
  const name = slice.slice(0, -END.length)
  let path = ''
  let prefix = ''
  if (!slice.endsWith(END) || slice.includes('/')) throw badSlice(slice)
  for (const part of name.split('-')) {
    if (part === '') throw badSlice(slice)
    prefix += prefix === '' ? part : `-${part}`
    path += `/${prefix}${END}`
  }
  for (const letter of slice) if (!LETTERS.includes(letter)) throw badSlice(slice)
  return path
}

const badSlice = (slice: string): ConfigError =>
  wrong(
    'cgroups-path-slice',
    `invalid slice name: ${JSON.stringify(slice)} (it is like a.slice, or a-b.slice for one below a.slice)`,
  )

const wrong = (rule: string, message: string): ConfigError => new ConfigError(FIELD, rule, message)

/** As runc sets them; with CollectMode a unit goes when it has ended, even after a failure such as being out of memory. */
function fixedProperties(id: string, slice: string, at: string): UnitProperty[] {
  const yes = (name: string): UnitProperty => ({ name, at, type: 'b', value: true })
  return [
    { name: 'Description', at, type: 's', value: `tsrun container ${id}` },
    { name: 'Slice', at, type: 's', value: slice },
    // The cgroups below are the container's: systemd leaves them alone, and hands controllers down.
    yes('Delegate'),
    { name: 'DefaultDependencies', at, type: 'b', value: false },
    { name: 'CollectMode', at, type: 's', value: 'inactive-or-failed' },
    yes('CPUAccounting'),
    yes('IOAccounting'),
    yes('MemoryAccounting'),
    yes('TasksAccounting'),
  ]
}

/** Those of annotations come last, and stand in the place of one of ours. */
function withAnnotations(
  fixed: readonly UnitProperty[],
  annotations: Readonly<Record<string, string>>,
): UnitProperty[] {
  const asked = annotatedProperties(annotations)
  return [...fixed.filter(({ name }) => !asked.some(other => other.name === name)), ...asked]
}
