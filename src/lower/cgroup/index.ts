import type { CgroupHost, CgroupPaths } from '../../host/cgroup.js'
import type { Bus, RuntimeOp } from '../../plan/op.js'
import type { Spec } from '../../spec/types.gen.js'
import { type CgroupEntry, distinct, enterCgroups } from './enter.js'
import { cgroupPaths, originOf } from './paths.js'
import { lowerScope, type Systemd } from './scope.js'
import { createOp, type Lists, lowerDevices, lowerKnobs, resourcesOf } from './writes.js'

export interface CgroupRequest {
  readonly id: string
  /** With systemd: whose. */
  readonly manager: 'cgroupfs' | 'disabled' | Systemd
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
  /** The systemd unit that holds the container. */
  readonly unit?: { readonly name: string; readonly bus: Bus }
  /** For state.json, which is to be saved before `create` runs: then a runtime that is killed leaves nothing unknown. */
  readonly paths: CgroupPaths
}

/**
 * `linux.cgroupsPath` and `linux.resources` → ops. Pure. Throws ConfigError and HostError. Every field has a row in
 * `knobs.ts` or `families.ts`; the column of this machine's driver may be a warning.
 */
export function lowerCgroup(spec: Spec, host: CgroupHost, request: CgroupRequest): CgroupPlan {
  const { manager } = request
  const resources = resourcesOf(spec)
  const lists: Lists = { create: [], limit: [], warnings: [] }
  if (manager === 'disabled') return { ...lists, join: [], moveInit: [], paths: { v1: {} } }
  if (typeof manager === 'object') return lowerScope(spec, host, request, manager)
  const user = request.ordinaryUser === true || request.inUserNamespace === true
  // Without any there are none to be had.
  const paths: CgroupPaths =
    user && host.mode === 'none' ? { v1: {} } : cgroupPaths(host, spec.linux?.cgroupsPath, request.id)
  const dirs = distinct(paths)
  if (request.ordinaryUser === true && dirs.length === 0)
    lists.warnings.push({ pointer: 'default:cgroupsPath', message: NO_CGROUPS })
  const { needs, written } = lowerKnobs(resources, host, paths, request.tolerant === true, lists)
  lowerDevices(resources, paths, request, host, lists.limit)
  if (dirs.length === 0) return { ...lists, join: [], moveInit: [], paths }
  const at = originOf(spec.linux?.cgroupsPath)
  lists.create.unshift(createOp(at, host, paths, dirs, needs, written))
  return { ...lists, paths, ...enterCgroups(paths, at, request.userNamespace === true) }
}

const NO_CGROUPS =
  'the container gets no cgroups, as this user may make none: there are no limits and statistics for it, and no pause'
