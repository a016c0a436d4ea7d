/** The systemd driver: a scope that systemd makes, with limits as its properties. */
import { HostError } from '../../base/errors.js'
import type { Int64 } from '../../base/int64.js'
import type { CgroupHost, CgroupPaths } from '../../host/cgroup.js'
import type { Bus, HostPath, UnitProperty } from '../../plan/op.js'
import type { Resources, Spec } from '../../spec/types.gen.js'
import { deviceLines, foldDeviceRules } from './devices.js'
import { distinct, enterCgroups } from './enter.js'
import { knobsFor } from './families.js'
import type { CgroupPlan, CgroupRequest } from './index.js'
import type { DeviceValues, Knob } from './knob.js'
import { originOf, unitPaths } from './paths.js'
import { lowerUnit } from './unit.js'
import { createOp, type Lists, lowerDevices, lowerKnobs, resourcesOf } from './writes.js'

/** Whose systemd makes the container's unit. */
export interface Systemd {
  readonly bus: Bus
  /** The manager's own cgroup, below which its slices are; '' for the root. */
  readonly root: string
}

/**
 * `lowerCgroup` with systemd: it makes the cgroup in the hierarchies that it looks after (v2, or name=systemd and what it delegates) and moves
 * the helper there; the others are made and joined as ever. Limits are properties of the unit, then files.
 */
export function lowerScope(
  spec: Spec,
  host: CgroupHost,
  request: CgroupRequest,
  { bus, root }: Systemd,
): CgroupPlan {
  const resources = resourcesOf(spec)
  const user = bus === 'user'
  if (user && host.mode !== 'v2') {
    throw new HostError(
      "a user's systemd hands down cgroups on cgroup v2 only: boot with systemd.unified_cgroup_hierarchy=1, or use --cgroup-manager cgroupfs",
    )
  }
  const unit = lowerUnit(spec.linux?.cgroupsPath, request.id, user, spec.annotations ?? {})
  const paths = unitPaths(host, root + unit.path)
  const lists: Lists = { create: [], limit: [], warnings: [] }
  const { needs, written } = lowerKnobs(resources, host, paths, request.tolerant === true, lists)
  const at = originOf(spec.linux?.cgroupsPath)
  const v2 = host.mode === 'v2'
  const own = paths.v2 !== undefined && v2 ? paths.v2 : paths.v1['name=systemd']
  if (own === undefined) {
    throw new HostError(
      'the hierarchy name=systemd is not mounted: the systemd cgroup manager needs it, use --cgroup-manager cgroupfs',
    )
  }
  const before = [...unit.properties, ...unitProperties(resources, v2, row => row.when === 'join')]
  const devices = v2 ? [] : deviceProperties(resources)
  before.push(...devices)
  const after = unitProperties(resources, v2, row => row.when === 'setup')
  const ours = v2 ? paths : { v1: withoutSystemd(paths.v1) }
  const { populated: _, ...made } = createOp(at, host, ours, distinct(ours), needs, written)
  const named = { by: 'runtime', at, unit: unit.name, bus } as const
  lists.create.unshift({ op: 'unit_start', ...named, dir: own as HostPath, properties: before }, made)
  if (devices.length > 0) {
    // Its rules are not to hinder the set-up; they are written again after it.
    const file = `${paths.v1.devices}/devices.allow` as HostPath
    lists.create.push({ op: 'cgroup_write', by: 'runtime', at, file, values: ['a'] })
  }
  if (after.length > 0) lists.limit.unshift({ op: 'unit_set', ...named, properties: after })
  lowerDevices(resources, paths, request, host, lists.limit)
  const entry = v2 ? { join: [], moveInit: [] } : enterCgroups(ours, at, false)
  return { ...lists, paths, unit: { name: unit.name, bus }, ...entry }
}

function withoutSystemd(v1: CgroupPaths['v1']): CgroupPaths['v1'] {
  const { 'name=systemd': _, ...others } = v1
  return others
}

/** The properties of those settings that systemd knows. */
export function unitProperties(
  resources: Resources,
  v2: boolean,
  wanted: (row: Knob) => boolean,
): UnitProperty[] {
  const properties: UnitProperty[] = []
  for (const row of knobsFor(resources)) {
    const value = row.get(resources)
    if (value === undefined || !wanted(row) || !('property' in row.systemd)) continue
    const column = v2 ? row.systemd : (row.systemd.v1 ?? row.systemd)
    if (!('property' in column)) continue
    const asked = column.value(value, resources)
    if (asked !== undefined) properties.push(propertyOf(column.property, row.field, asked))
  }
  return properties
}

function propertyOf(name: string, at: string, value: Int64 | Uint8Array | DeviceValues): UnitProperty {
  if (value instanceof Uint8Array) return { name, at, type: 'ay', value }
  if (typeof value === 'object') return { name, at, type: 'a(st)', value }
  return { name, at, type: 't', value }
}

/**
 * v1 only: there systemd writes its own device rules again at every daemon-reload, and without any it may allow every device. It has to
 * know them from the start: when it gets rules later it moves the processes into the devices cgroup of the slice, which allows all (252).
 * On v2 it leaves our program alone as long as it has no rules itself; with some, devices that a hook has added would vanish (runc#3708).
 */
function deviceProperties(resources: Resources): UnitProperty[] {
  const rules = resources.devices ?? []
  const access = foldDeviceRules(rules)
  // systemd has no list of what is denied.
  if (access.allowAll) return []
  const at = rules.length === 0 ? 'default:devices' : '/linux/resources/devices'
  return [
    { name: 'DevicePolicy', at, type: 's', value: 'strict' },
    { name: 'DeviceAllow', at, type: 'a(ss)', value: deviceLines(access) },
  ]
}
