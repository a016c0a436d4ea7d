import type { Hierarchy } from '../host/cgroup.js'
import type { HostPath, Op } from '../plan/op.js'
import { type CreateInput, type Input, inRoot, ROOT } from './input.js'
import { attach, type Entry, fsmountAttributes, propagate } from './mounts.js'

/**
 * `type: cgroup`. On v2 it is the hierarchy itself; on v1 a tmpfs with one mount per hierarchy, as runc lays it out.
 * Without a cgroup namespace the container's own cgroups are bound, so that it does not see (and, in a user namespace,
 * cannot write) those of the host (CVE-2023-25809).
 */
export function cgroupMount(input: CreateInput, entry: Entry, out: Op[]): void {
  const { mode } = input.host.cgroup
  if (mode === 'v2') unified(input, entry, out)
  else legacy(input, entry, out)
}

const hasCgroupNamespace = ({ linux }: Input): boolean =>
  (linux.namespaces ?? []).some(namespace => namespace.type === 'cgroup')

function unified(input: Input, entry: Entry, out: Op[]): void {
  const { at, slot, options } = entry
  const own = input.cgroup.paths.v2
  if (hasCgroupNamespace(input) || !input.userNamespace || own === undefined) {
    const attrs = fsmountAttributes(options)
    out.push({ op: 'fsmount', by: 'init', at, slot, type: 'cgroup2', source: 'cgroup', options: [], attrs })
  } else {
    bindOwn(entry, slot, own as HostPath, out)
  }
  attach(entry, 'directory', out)
  propagate(entry, out)
}

function bindOwn({ at, options }: Entry, slot: string, path: HostPath, out: Op[]): void {
  out.push({ op: 'open_tree', by: 'init', at, slot, path, flags: ['clone', 'recursive'], nofollow: 0 })
  const { set, clear } = options.own
  if (set.length + clear.length === 0) return
  out.push({ op: 'mount_setattr', by: 'init', at, slot, set, clear, propagation: 'none', recursive: 0 })
}

/** The controllers of each mounted hierarchy, by its mount point: `cpu,cpuacct` may share one. */
function byMount(v1: Readonly<Record<string, Hierarchy>>): Map<string, string[]> {
  const mounts = new Map<string, string[]>()
  for (const [controller, { mount }] of Object.entries(v1)) {
    const controllers = mounts.get(mount)
    if (controllers === undefined) mounts.set(mount, [controller])
    else controllers.push(controller)
  }
  return mounts
}

function legacy(input: CreateInput, entry: Entry, out: Op[]): void {
  const { at, slot, mount, options } = entry
  const attrs = fsmountAttributes(options)
  out.push({
    op: 'fsmount',
    by: 'init',
    at,
    slot,
    type: 'tmpfs',
    source: 'cgroup',
    options: ['mode=755', 'size=64k'],
    attrs: attrs.filter(name => name !== 'ro'), // sealMounts
  })
  attach(entry, 'directory', out)
  const namespaced = hasCgroupNamespace(input)
  for (const [point, controllers] of byMount(input.host.cgroup.v1)) {
    const name = point.slice(point.lastIndexOf('/') + 1)
    const part = `${slot}:${name}`
    const own = input.cgroup.paths.v1[controllers[0] as string]
    if (namespaced) {
      out.push({
        op: 'fsmount',
        by: 'init',
        at,
        slot: part,
        type: 'cgroup',
        source: 'cgroup',
        options: controllers,
        attrs,
      })
    } else if (own !== undefined) {
      bindOwn(entry, part, own as HostPath, out)
    } else continue
    const target = inRoot(`${mount.destination}/${name}`)
    out.push({
      op: 'move_mount',
      by: 'init',
      at,
      slot: part,
      root: ROOT,
      target,
      create: 'directory',
      links: 'in_root',
    })
    // Programs look for a controller by its own name where hierarchies are mounted together.
    for (const controller of controllers) {
      if (controllers.length < 2 || controller === name) continue
      const path = inRoot(`${mount.destination}/${controller}`)
      out.push({ op: 'symlink', by: 'init', at, root: ROOT, path, target: name, tolerate: ['EEXIST'] })
    }
  }
  propagate(entry, out)
}
