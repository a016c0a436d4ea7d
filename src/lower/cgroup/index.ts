import { HostError } from '../../base/errors.js'
import type { CgroupHost, CgroupPaths } from '../../host/cgroup.js'
import type { ControllerNeed, HostPath, OpOf, RuntimeOp } from '../../plan/op.js'
import type { Resources, Spec } from '../../spec/types.gen.js'
import { deviceLines, foldDeviceRules } from './devices.js'
import { type CgroupEntry, distinct, enterCgroups } from './enter.js'
import { knobsFor } from './families.js'
import type { Knob, KnobFile } from './knob.js'
import { cgroupPaths } from './paths.js'

export interface CgroupRequest {
  readonly id: string
  readonly manager: 'cgroupfs' | 'systemd' | 'disabled'
  /** The runtime is an ordinary user's: the container may go without cgroups, which is told. */
  readonly ordinaryUser?: boolean
  /** The runtime is in a user namespace: like an ordinary user's, device rules are not its to make. */
  readonly inUserNamespace?: boolean
  /** `--rootless=true`: limits that no cgroup can hold are left out; else they are an error. */
  readonly tolerant?: boolean
  /** The container gets a user namespace: its init may not enter a cgroup by itself. */
  readonly userNamespace?: boolean
}

export interface CgroupPlan extends CgroupEntry {
  /** Before any process: makes the cgroups and writes what must be there when a process joins. */
  readonly create: readonly RuntimeOp[]
  /** When mounts and devices are done, before the first hook of the runtime (else before `ready`). See `knobs.ts`. */
  readonly limit: readonly RuntimeOp[]
  /** What the config asks for and this machine's cgroup version cannot give. */
  readonly warnings: readonly { readonly pointer: string; readonly message: string }[]
  /** For state.json, which is to be saved before `create` runs: then a runtime that is killed leaves nothing unknown. */
  readonly paths: CgroupPaths
}

/**
 * `linux.cgroupsPath` and `linux.resources` → ops. Pure. Throws ConfigError and HostError. Every field has a row in
 * `knobs.ts` or `families.ts`; the column of this machine's driver may be a warning.
 */
export function lowerCgroup(spec: Spec, host: CgroupHost, request: CgroupRequest): CgroupPlan {
  const resources = spec.linux?.resources ?? {}
  const create: RuntimeOp[] = []
  const limit: RuntimeOp[] = []
  const warnings: { pointer: string; message: string }[] = []
  if (request.manager === 'disabled') {
    return { create, join: [], moveInit: [], limit, warnings, paths: { v1: {} } }
  }
  if (request.manager === 'systemd') {
    throw new HostError(
      'the systemd cgroup manager is not supported yet: leave out --systemd-cgroup (or pass --cgroup-manager cgroupfs), and give cgroupsPath as a path',
    )
  }
  const user = request.ordinaryUser === true || request.inUserNamespace === true
  // Without any there are none to be had.
  const paths: CgroupPaths =
    user && host.mode === 'none' ? { v1: {} } : cgroupPaths(host, spec.linux?.cgroupsPath, request.id)
  const dirs = distinct(paths)
  if (request.ordinaryUser === true && dirs.length === 0)
    warnings.push({ pointer: 'default:cgroupsPath', message: NO_CGROUPS })
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
    if (request.tolerant === true && directoryOf(paths, column.controller) === undefined) {
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
  lowerDevices(resources, paths, request, host, limit)
  if (dirs.length === 0) return { create, join: [], moveInit: [], limit, warnings, paths }
  const at = spec.linux?.cgroupsPath === undefined ? 'default:cgroupsPath' : '/linux/cgroupsPath'
  create.unshift(createOp(at, host, paths, dirs, needs, written))
  return { create, limit, warnings, paths, ...enterCgroups(paths, at, request.userNamespace === true) }
}

function createOp(
  at: string,
  host: CgroupHost,
  paths: CgroupPaths,
  dirs: readonly HostPath[],
  need: readonly ControllerNeed[],
  written: ReadonlySet<string>,
): RuntimeOp {
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

const NO_CGROUPS =
  'the container gets no cgroups, as this user may make none: there are no limits and statistics for it, and no pause'

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
function lowerDevices(
  resources: Resources,
  paths: CgroupPaths,
  request: CgroupRequest,
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
