/**
 * What `restore` does around criu, as plans: the passes of create make what criu expects to find, and criu is started like a container's
 * process, in cgroups that are there and in a mount namespace that ends with it.
 */
import type { HostPath, InRootPath, Op, Plan } from '../plan/op.js'
import type { Mount } from '../spec/types.gen.js'
import { joinCgroup, moveInit } from './cgroupsteps.js'
import { devices } from './devices.js'
import { makeWorkingDirectory } from './identity.js'
import { type CreateInput, type Pass, ROOT } from './input.js'
import { mounts, openSources } from './mounts.js'
import { joinKeyring } from './namespaces.js'
import { enterResctrl, makeResctrl } from './resctrl.js'
import { changeRoot, hidePaths, openRoot } from './rootfs.js'

const RESTORE = 'runtime:restore'

const compile = (input: CreateInput, passes: readonly Pass[]): Plan => {
  const ops: Op[] = []
  for (const pass of passes) pass(input, ops)
  return { format: 1, ops }
}

/**
 * Makes all mounts as create does, in namespaces of its own: mount points that the rootfs and the volumes miss are there afterwards
 * (runc#2748). It waits at its last barrier, so that the mounts can be looked at, and ends. There are no cgroups yet, and their mount
 * points are never missed.
 */
export const rehearse = (input: CreateInput): Plan =>
  compile(withoutCgroupMounts(input), [
    openSources,
    enterRehearsal,
    openRoot,
    mounts,
    devices,
    makeWorkingDirectory,
    changeRoot,
    end,
  ])

const isCgroup = ({ type }: Mount): boolean => type === 'cgroup' || type === 'cgroup2'

function withoutCgroupMounts(input: CreateInput): CreateInput {
  const mounts = (input.spec.mounts ?? []).filter(mount => !isCgroup(mount))
  return { ...input, spec: { ...input.spec, mounts } }
}

/** The host's user and network namespaces will do: what is mounted is seen by nobody. */
function enterRehearsal(_input: CreateInput, out: Op[]): void {
  out.push({ op: 'clone_init', by: 'helper', at: RESTORE, namespaces: ['mount', 'pid', 'ipc'] })
}

function end(_input: CreateInput, out: Op[]): void {
  out.push({ op: 'check_container', by: 'runtime', at: RESTORE })
  out.push({ op: 'exit', by: 'init', at: RESTORE })
}

/** How criu is called: the program's path, its arguments and environment. */
export interface CriuCommand {
  readonly path: string
  readonly args: readonly string[]
  readonly env: readonly string[]
}

/**
 * Executes criu where the container's processes are to be: they inherit its cgroups, its session keyring and its limits. The rootfs is a
 * mount point there, as criu wants it, without a mount on the host that a killed runtime would leave.
 */
export function startCriu(input: CreateInput, command: CriuCommand): Plan {
  const exec: Pass = (_input, out) => {
    out.push({ op: 'find_executable', by: 'init', at: RESTORE, name: command.path, path: '' })
    out.push({ op: 'exec', by: 'init', at: RESTORE, args: command.args, env: command.env })
  }
  return compile(input, [
    makeResctrl,
    joinCgroup,
    enterMountNamespace,
    moveInit,
    enterResctrl,
    limit,
    joinKeyring,
    bindRoot,
    exec,
  ])
}

function enterMountNamespace({ cgroup }: CreateInput, out: Op[]): void {
  out.push({
    op: 'clone_init',
    by: 'helper',
    at: RESTORE,
    namespaces: ['mount'],
    ...(cgroup.slot !== undefined && { cgroup: cgroup.slot }),
  })
}

function limit({ cgroup }: CreateInput, out: Op[]): void {
  out.push(...cgroup.limit)
}

function bindRoot({ request }: CreateInput, out: Op[]): void {
  const path = '/' as HostPath
  out.push({
    op: 'set_propagation',
    by: 'init',
    at: RESTORE,
    path,
    propagation: 'slave',
    recursive: 1,
  })
  out.push({ op: 'open_root', by: 'init', at: RESTORE, slot: ROOT, path: request.rootfs })
  out.push({ op: 'umask', by: 'init', at: RESTORE, mask: 0o022 })
}

/** A mount of a container whose source is the host's: criu is told of it by name and does not look into it. */
export interface ExternalMount {
  readonly target: InRootPath
  readonly source: string
  /** It belongs to a mount of cgroups. */
  readonly isCgroup: boolean
}

/** All such mounts of a container, read off the ops that make them. */
export function externalMounts(input: CreateInput): ExternalMount[] {
  const { ops } = compile(input, [openSources, mounts, devices])
  const sources = new Map<string, string>()
  const found: ExternalMount[] = []
  for (const op of ops) {
    if (op.op === 'open_tree') sources.set(op.slot, op.path)
    if (op.op !== 'move_mount') continue
    const source = sources.get(op.slot)
    const mount = input.spec.mounts?.find((_mount, i) => op.at === `/mounts/${i}`)
    if (source !== undefined)
      found.push({ target: op.target, source, isCgroup: mount !== undefined && isCgroup(mount) })
  }
  return found
}

/** Files that /dev/null is mounted over; directories have a tmpfs of the container's own. */
export function maskedPaths(input: CreateInput): InRootPath[] {
  const paths: InRootPath[] = []
  for (const op of compile(input, [hidePaths]).ops) if (op.op === 'mask_path') paths.push(op.path)
  return paths
}
