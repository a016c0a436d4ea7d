import type { CgroupPaths } from '../../host/cgroup.js'
import type { HostPath, Op, RuntimeOp, Slot } from '../../plan/op.js'

/** The slot of the v2 directory in which init begins. */
const SLOT = 'cgroup'

export interface CgroupEntry {
  /**
   * Before the helper makes or joins a namespace. It moves itself on v1 and opens the v2 directory for `clone_init`: that takes
   * microseconds where moving it from outside takes the kernel 7 to 20 ms (see the op `join_cgroup`).
   */
  readonly join: readonly Op[]
  /** For `clone_init`: init begins in this v2 directory. */
  readonly slot?: Slot
  /** After `clone_init`, before the cgroup namespace is made: v2 under a user namespace, whose root may not write there. */
  readonly moveInit: readonly RuntimeOp[]
}

/** How a process gets into cgroups that are there: for `create`, and for `exec` into a container's. */
export function enterCgroups(paths: CgroupPaths, at: string, userNamespace: boolean): CgroupEntry {
  const v2 = paths.v2 as HostPath | undefined
  const join: Op[] = []
  for (const dir of distinct(paths)) {
    if (dir === v2) continue
    join.push({ op: 'join_cgroup', by: 'helper', at, path: `${dir}/tasks` as HostPath })
  }
  if (v2 === undefined) return { join, moveInit: [] }
  if (userNamespace) return { join, moveInit: [{ op: 'cgroup_join', by: 'runtime', at, dirs: [v2] }] }
  join.push({ op: 'open_path', by: 'helper', at, slot: SLOT, path: v2 })
  return { join, slot: SLOT, moveInit: [] }
}

/** Each directory once: controllers that are mounted together share one. */
export function distinct(paths: CgroupPaths): HostPath[] {
  const dirs = new Set<string>()
  for (const controller in paths.v1) dirs.add(paths.v1[controller] as string)
  if (paths.v2 !== undefined) dirs.add(paths.v2)
  return [...dirs] as HostPath[]
}
