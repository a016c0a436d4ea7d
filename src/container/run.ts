import { becomeMonitor } from '../launch/shim.js'
import { encodePlan } from '../plan/encode.js'
import type { HostPath, Op } from '../plan/op.js'
import { verify } from '../plan/verify.js'
import { stateDocument } from '../spec/statedoc.js'
import { check } from '../sys/call.js'
import { native } from '../sys/native.js'
import { type Created, create } from './create.js'
import { deleteContainer } from './delete.js'
import type { RunOptions } from './options.js'
import { start } from './start.js'
import { directoryOf, files } from './store.js'

const PR_SET_CHILD_SUBREAPER = 36

/**
 * `tsrun run`: create and start. Detached it returns 0; in the foreground this process becomes the shim's monitor, which keeps
 * no JavaScript while the container lives, and ends with the container's exit code. Returns only when detached.
 */
export function runContainer(options: RunOptions): number {
  const { common, detach, keep, noSubreaper } = options
  if (!detach && !noSubreaper) {
    // Survives execve(2): the monitor reaps what the container leaves behind.
    check(native().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl', 'PR_SET_CHILD_SUBREAPER, 1')
  }
  const created = create(options, detach)
  try {
    start(common, created.record)
    if (detach) return 0
    const console = created.console
    const { bytes } = encodePlan(
      verify({ format: 1, ops: monitorOps(options, created, keep) }),
      native().utf8Write,
    )
    becomeMonitor(bytes, console === undefined ? [] : [console])
  } catch (error) {
    deleteContainer(common, options.id, true)
    throw error
  }
}

/** What is left to do once init has ended, lowered ahead: the same steps as `delete`, which takes over when one fails. */
function monitorOps({ common, id }: RunOptions, { pid, console, record }: Created, keep: boolean): Op[] {
  const ops: Op[] = [
    { op: 'supervise', by: 'monitor', at: 'runtime:run', pid, ...(console === undefined ? {} : { console }) },
  ]
  if (!keep) {
    const at = 'runtime:delete'
    for (const path of cgroupDirectories(record.cgroup))
      ops.push({ op: 'remove_cgroup', by: 'monitor', at, path })
    const state = stateDocument(record, record.annotations, 'stopped', undefined)
    for (let i = 0; i < record.poststop.length; i++) {
      const {
        path,
        args = [],
        env = [],
        timeout = 0,
      } = record.poststop[i] as (typeof record.poststop)[number]
      const hook = { path, args, env, timeout, before: state, after: '' }
      ops.push({ op: 'run_hook', by: 'monitor', at: `/hooks/poststop/${i}`, ...hook })
    }
    const directory = directoryOf(common.root, id)
    for (const name of [files.fifo, files.config, files.state]) {
      ops.push({ op: 'remove_file', by: 'monitor', at, path: `${directory}/${name}` as HostPath })
    }
    ops.push({ op: 'remove_directory', by: 'monitor', at, path: directory as HostPath })
    const args = [...native().self, '--root', common.root, 'delete', '--force', id]
    ops.push({ op: 'clean_up_after_failure', by: 'monitor', at, args, env: native().environ })
  }
  ops.push({ op: 'exit_like_init', by: 'monitor', at: 'runtime:run' })
  return ops
}

function cgroupDirectories({ v1, v2 }: Created['record']['cgroup']): HostPath[] {
  const paths = new Set(Object.values(v1))
  if (v2 !== undefined) paths.add(v2)
  return [...paths] as HostPath[]
}
