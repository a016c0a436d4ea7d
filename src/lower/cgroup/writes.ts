/** The steps that the drivers of cgroups share: making them, writing their files, device rules. */
import { HostError } from '../../base/errors.js'
import type { CgroupHost, CgroupPaths } from '../../host/cgroup.js'
import type { ControllerNeed, HostPath, OpOf, RuntimeOp } from '../../plan/op.js'
import type { Resources, Spec } from '../../spec/types.gen.js'
import { deviceLines, foldDeviceRules } from './devices.js'
import { distinct } from './enter.js'
import { knobsFor } from './families.js'
import type { CgroupRequest } from './index.js'
import type { Knob, KnobFile } from './knob.js'

/** Where the ops of a driver go. */
export interface Lists {
  /** Before the process joins. */
  readonly create: RuntimeOp[]
  readonly limit: RuntimeOp[]
  readonly warnings: { readonly pointer: string; readonly message: string }[]
}

/**
 * Without a `pids.limit` of 0 in a config older than specification 1.3, whose Go types could not leave the number out: CRI-O 1.26 says
 * so for no limit, and a container that may not fork has no `exec` either.
 */
export function resourcesOf({ ociVersion, linux }: Spec): Resources {
  const resources = linux?.resources ?? {}
  if (resources.pids?.limit !== 0 || ociVersion.charAt(3) !== '.' || ociVersion.charAt(2) >= '3')
    return resources
  const { pids: _, ...others } = resources
  return others
}

/** The writes of all settings. Returns which controllers they need on v2, and which files they are. */
export function lowerKnobs(
  resources: Resources,
  host: CgroupHost,
  paths: CgroupPaths,
  tolerant: boolean,
  { create, limit, warnings }: Lists,
): { readonly needs: readonly ControllerNeed[]; readonly written: ReadonlySet<string> } {
  const needs: ControllerNeed[] = []
  const written = new Set<string>()
  const rows = knobsFor(resources)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as Knob
    const value = row.get(resources)
    if (value === undefined) continue
    const column = host.mode === 'v2' ? row.v2 : row.v1
    if ('elsewhere' in column) continue
    if ('none' in column) {
      warnings.push({ pointer: row.field, message: `ignored: ${column.none}` })
      continue
    }
    const text = column.text(value, resources, row.field)
    if (text === undefined) continue
    if (tolerant && directoryOf(paths, column.controller) === undefined) {
      warnings.push({ pointer: row.field, message: 'ignored: this user may not make the cgroup for it' })
      continue
    }
    // The files of the core (cgroup.max.depth) are always there.
    if (host.mode === 'v2' && column.controller !== 'cgroup')
      needs.push({ controller: column.controller, at: row.field })
    written.add(column.file)
    const op = knobOp(row.field, paths, column, text, value)
    ;(row.when === 'join' ? create : limit).push(op)
  }
  return { needs, written }
}

/** Makes the cgroups, and enables what is needed of them on v2. */
export function createOp(
  at: string,
  host: CgroupHost,
  paths: CgroupPaths,
  dirs: readonly HostPath[],
  need: readonly ControllerNeed[],
  written: ReadonlySet<string>,
): OpOf<'cgroup_create'> {
  const op = { op: 'cgroup_create', by: 'runtime', at, dirs } as const
  if (host.mode === 'v2' && host.v2 !== undefined) {
    const dir = paths.v2 as HostPath
    const freezer = `${dir}/cgroup.freeze` as HostPath
    const unified = { mount: host.v2.mount as HostPath, dir, need }
    return { ...op, populated: dir, freezer, unified }
  }
  // As runc: one hierarchy answers for all. Asking each costs more than it finds.
  const populated = (paths.v1.devices ?? dirs[0]) as HostPath
  const inherit = ['cpuset.cpus', 'cpuset.mems'].filter(file => !written.has(file))
  return {
    ...op,
    populated,
    ...(paths.v1.freezer && { freezer: `${paths.v1.freezer}/freezer.self_freezing` as HostPath }),
    ...(paths.v1.cpuset && { cpuset: { dir: paths.v1.cpuset as HostPath, inherit } }),
  }
}

/** The write of a knob into the cgroup of its controller. Throws HostError where that is not mounted. */
export function knobOp(
  at: string,
  paths: CgroupPaths,
  column: KnobFile<unknown>,
  text: string | readonly string[],
  value: unknown,
): OpOf<'cgroup_write'> {
  const directory = directoryFor(paths, column.controller, at)
  const values = listed(text)
  const tolerate = typeof text === 'string' ? (column.tolerate?.(text) ?? []) : []
  const file = `${directory}/${column.file}` as HostPath
  const op = { op: 'cgroup_write', by: 'runtime', at, file, values } as const
  if (column.otherwise !== undefined) {
    const { file: other, text } = column.otherwise
    return { ...op, otherwise: { file: `${directory}/${other}` as HostPath, values: listed(text(value)) } }
  }
  return tolerate.length === 0 ? op : { ...op, tolerate }
}

const listed = (text: string | readonly string[]): readonly string[] =>
  typeof text === 'string' ? [text] : text

/** A controller that is on no v1 hierarchy can only be on v2: `launch` finds out. */
const directoryOf = (paths: CgroupPaths, controller: string): string | undefined =>
  paths.v1[controller] ?? (Object.keys(paths.v1).length === 0 ? paths.v2 : undefined)

function directoryFor(paths: CgroupPaths, controller: string, field: string): string {
  const directory = directoryOf(paths, controller)
  if (directory !== undefined) return directory
  if (distinct(paths).length === 0) {
    throw new HostError(
      `${field}: this user may not make cgroups: have some delegated and name one in cgroupsPath, or leave the field out`,
    )
  }
  throw new HostError(
    `${field}: the cgroup v1 controller "${controller}" is not mounted, or this user may make no cgroups of it: mount it on /sys/fs/cgroup/${controller}, run as root, or leave the field out`,
  )
}

/** Device rules: a program on v2, runc's "nothing but" list on v1, always, as without it a container could use the host's disks. */
export function lowerDevices(
  resources: Resources,
  paths: CgroupPaths,
  request: Pick<CgroupRequest, 'inUserNamespace' | 'ordinaryUser'>,
  host: CgroupHost,
  out: RuntimeOp[],
): void {
  const rules = resources.devices ?? []
  const access = foldDeviceRules(rules)
  const rest = deviceLines(access)
  const at = rules.length === 0 ? 'default:devices' : '/linux/resources/devices'
  // The kernel asks for CAP_SYS_ADMIN over the initial user namespace; there a node cannot be made at all.
  if (request.inUserNamespace === true || request.ordinaryUser === true) return
  if (host.mode === 'v2') {
    // Everything is what a cgroup without a program allows.
    if (access.allowAll && rest.length === 0) return
    const dir = paths.v2 as HostPath
    out.push({ op: 'cgroup_devices', by: 'runtime', at, dir, allowAll: access.allowAll, exceptions: rest })
    return
  }
  const directory = directoryFor(paths, 'devices', at)
  const deny = `${directory}/devices.deny` as HostPath
  const allow = `${directory}/devices.allow` as HostPath
  const [whole, exceptions] = access.allowAll ? [allow, deny] : [deny, allow]
  out.push({ op: 'cgroup_write', by: 'runtime', at, file: whole, values: ['a'] })
  if (rest.length > 0) out.push({ op: 'cgroup_write', by: 'runtime', at, file: exceptions, values: rest })
}
