import { ConfigError } from '../base/errors.js'
import type { Propagation } from '../plan/flags.js'
import type { HostPath, Op } from '../plan/op.js'
import type { Linux } from '../spec/types.gen.js'
import { type CreateInput, type Input, inRoot, ROOT } from './input.js'
import { propagateAgain, sealMounts } from './mounts.js'

/** `rootfsPropagation` by name: its type, and whether it goes for the whole tree. */
const rootPropagation: Readonly<Record<string, { type: Propagation; recursive: boolean }>> = {
  private: { type: 'private', recursive: false },
  rprivate: { type: 'private', recursive: true },
  slave: { type: 'slave', recursive: false },
  rslave: { type: 'slave', recursive: true },
  shared: { type: 'shared', recursive: false },
  rshared: { type: 'shared', recursive: true },
  unbindable: { type: 'unbindable', recursive: false },
  runbindable: { type: 'unbindable', recursive: true },
}

/** Without a mount namespace of its own a container mounts in the runtime's, below a mount that `delete` takes away whole. */
export const sharesMounts = ({ namespaces = [] }: Linux): boolean =>
  !namespaces.some(({ type }) => type === 'mount')

/** Cuts the new mount namespace off the host's as far as the config asks, then makes the rootfs a mount and opens it. */
export function openRoot({ linux, request }: Input, out: Op[]): void {
  if (sharesMounts(linux)) {
    const by = 'init'
    out.push({ op: 'open_root', by, at: '/root/path', slot: ROOT, path: request.rootfs })
    // Nothing below it reaches other mount namespaces.
    const kept = { set: [], clear: [], recursive: 0 }
    out.push({
      op: 'mount_setattr',
      by,
      at: '/linux/namespaces',
      slot: ROOT,
      ...kept,
      propagation: 'private',
    })
    return
  }
  const asked = linux.rootfsPropagation
  const row = asked === undefined ? undefined : rootPropagation[asked]
  if (row?.type === 'private' && request.noPivot) throw unsafeWithoutPivot()
  const at = asked === undefined ? 'default:rootfsPropagation' : '/linux/rootfsPropagation'
  out.push({
    op: 'set_propagation',
    by: 'init',
    at,
    path: '/' as HostPath,
    // An unbindable host tree could not be bound from: that type is set after the pivot only.
    propagation: row === undefined || row.type === 'unbindable' ? 'slave' : row.type,
    recursive: row === undefined || row.recursive || row.type === 'unbindable' ? 1 : 0,
  })
  // A slave or private parent passes nothing on; any other could be shared with the host.
  if (row !== undefined && !(row.recursive && (row.type === 'slave' || row.type === 'private'))) {
    out.push({ op: 'make_parent_private', by: 'init', at, path: request.rootfs })
  }
  out.push({ op: 'open_root', by: 'init', at: '/root/path', slot: ROOT, path: request.rootfs })
}

/** The host's mounts stay below the new root then: private ones would keep its disks in use when it unmounts them. The words are runc's. */
const unsafeWithoutPivot = (): ConfigError =>
  new ConfigError(
    '/linux/rootfsPropagation',
    'private-needs-pivot',
    'rootfsPropagation of [r]private is not safe without pivot_root (use slave, or leave --no-pivot out)',
  )

/** Makes the root the container's `/`, and gives it its propagation, which pivot_root itself would refuse. */
export function changeRoot({ spec, linux, request }: Input, out: Op[]): void {
  if (sharesMounts(linux)) {
    out.push({ op: 'enter_root', by: 'init', at: '/root/path', root: ROOT })
  } else if (request.noPivot) {
    out.push({ op: 'move_root', by: 'init', at: 'runtime:no-pivot', root: ROOT, path: request.rootfs })
  } else {
    out.push({ op: 'pivot_root', by: 'init', at: '/root/path', root: ROOT })
  }
  const asked = linux.rootfsPropagation
  const row = asked === undefined ? undefined : rootPropagation[asked]
  if (row === undefined) return
  out.push({
    op: 'mount_setattr',
    by: 'init',
    at: '/linux/rootfsPropagation',
    slot: ROOT,
    set: [],
    clear: [],
    propagation: row.type,
    recursive: row.recursive ? 1 : 0,
  })
  // What a mount says of itself goes before what is said of all.
  if (row.recursive) propagateAgain(spec.mounts ?? [], out)
}

/** `root.readonly`, and `ro` of what is new and empty: after everything that makes files in it. */
export function sealRoot(input: CreateInput, out: Op[]): void {
  sealMounts(input, out)
  const { spec } = input
  if (spec.root?.readonly !== true) return
  out.push({
    op: 'mount_setattr',
    by: 'init',
    at: '/root/readonly',
    slot: ROOT,
    set: ['ro'],
    clear: [],
    propagation: 'none',
    recursive: 0,
  })
}

/** Read-only and masked paths. Before the pivot: the host's /dev/null is at hand then, the image's is not trusted. */
export function hidePaths({ linux }: Input, out: Op[]): void {
  const readonlyPaths = linux.readonlyPaths ?? []
  for (let i = 0; i < readonlyPaths.length; i++) {
    const path = inRoot(readonlyPaths[i] as string)
    out.push({ op: 'readonly_path', by: 'init', at: `/linux/readonlyPaths/${i}`, root: ROOT, path })
  }
  const maskedPaths = linux.maskedPaths ?? []
  for (let i = 0; i < maskedPaths.length; i++) {
    const path = inRoot(maskedPaths[i] as string)
    out.push({ op: 'mask_path', by: 'init', at: `/linux/maskedPaths/${i}`, root: ROOT, path })
  }
}
