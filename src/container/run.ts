import { oomFile } from '../host/oomkills.js'
import { becomeMonitor } from '../launch/shim.js'
import { stopRequest } from '../launch/systemd.js'
import { openHookOutput, timeoutOf } from '../lower/hooks.js'
import { encodePlan } from '../plan/encode.js'
import type { HostPath, Op } from '../plan/op.js'
import { verify } from '../plan/verify.js'
import { stateDocument } from '../spec/statedoc.js'
import type { Hook } from '../spec/types.gen.js'
import { check } from '../sys/call.js'
import { native } from '../sys/native.js'
import { type Created, create } from './create.js'
import { deleteContainer } from './delete.js'
import { listenForNotify } from './notify.js'
import type { RunOptions } from './options.js'
import { notifySocket } from './plumbing.js'
import type { Record } from './record.js'
import { checkProcess, start } from './start.js'
import { directoryOf, files } from './store.js'

const PR_SET_CHILD_SUBREAPER = 36

/**
 * `tsrun run`: create and start. Detached it returns 0; in the foreground this process becomes the shim's monitor, which keeps
 * no JavaScript while the container lives, and ends with the container's exit code. Returns only when detached.
 */
export function runContainer(options: RunOptions): number {
  const { common, detach, noSubreaper } = options
  if (!detach && !noSubreaper) becomeSubreaper()
  // What the monitor will do is written while init mounts; only a terminal is not known then.
  let plan: Uint8Array | undefined
  const created = create(options, detach, (pid, record) => {
    if (!detach) plan = monitorPlan(options, { pid, record, console: undefined })
  })
  try {
    checkProcess(created.record)
    if (detach) {
      start(common, created.record)
      return 0
    }
    common.log.debug(`becomes the monitor of ${created.pid}`)
    const { console } = created
    const host = notifySocket()
    const listener = host === undefined ? undefined : listenForNotify(common.root, options.id)
    const notify = host === undefined || listener === undefined ? undefined : { host, listener }
    const known = console === undefined && notify === undefined ? plan : undefined
    // Its hooks find themselves in the bundle.
    check(native().chdir(created.record.bundle), 'chdir', () => JSON.stringify(created.record.bundle))
    const keep = [console, listener].filter(fd => fd !== undefined)
    becomeMonitor(known ?? monitorPlan(options, created, notify), keep)
  } catch (error) {
    deleteContainer(common, options.id, true)
    throw error
  }
}

/** Survives execve(2): the monitor reaps what the container leaves behind. */
export function becomeSubreaper(): void {
  check(native().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl', 'PR_SET_CHILD_SUBREAPER, 1')
}

type Running = Pick<Created, 'pid' | 'record' | 'console'>

/** The caller's socket of sd_notify(3), and the container's. */
interface Notify {
  readonly host: string
  readonly listener: number
}

function monitorPlan(options: RunOptions, running: Running, notify?: Notify): Uint8Array {
  return encodePlan(verify({ format: 1, ops: monitorOps(options, running, notify) }), native().utf8Write)
    .bytes
}

/**
 * What is left to do: the steps of `start`, which need somebody who listens to signals before the program runs, and what comes after
 * them. When one of them fails, tsrun is executed again: `_told` tells why and cleans up.
 */
function monitorOps(options: RunOptions, running: Running, notify: Notify | undefined): Op[] {
  const { common, id, again } = options
  const { pid, console, record } = running
  const directory = directoryOf(common.root, id)
  const env = native().environ
  const process = { pid, ...(console === undefined ? {} : { console }) }
  const fifo = `${directory}/${files.fifo}` as HostPath
  const args = [...again, '_told', id]
  const says = common.log.notes ? 1 : 0
  const ops: Op[] = [{ op: 'release', by: 'monitor', at: 'runtime:start', ...process, fifo, says, args, env }]
  // The monitor's ops of poststart follow at once: `monitored.ts` counts on it.
  poststart(record, stateDocument(record, record.annotations, 'running', pid), ops)
  if (notify !== undefined) ops.push({ op: 'notify', by: 'monitor', at: 'runtime:notify', ...notify })
  return [...ops, ...endOps({ ...options, notify: notifySocket() !== undefined }, running)]
}

interface EndOptions extends Pick<RunOptions, 'common' | 'id' | 'keep' | 'again'> {
  /** The container's directory holds one for the socket of sd_notify(3). */
  readonly notify: boolean
}

/** Waits for the end of a container that runs, and takes the steps of `delete`. */
export function endOps(
  { common, id, keep, again, notify }: EndOptions,
  { pid, console, record }: Running,
): Op[] {
  const directory = directoryOf(common.root, id)
  const env = native().environ
  const process = { pid, ...(console === undefined ? {} : { console }) }
  const ops: Op[] = [{ op: 'supervise', by: 'monitor', at: 'runtime:run', ...process }]
  const at = 'runtime:delete'
  const cleaner = { by: 'monitor', at, args: [...again, 'delete', '--force', id], env } as const
  const counter = oomFile(record.cgroup) as HostPath | undefined
  if (counter !== undefined) {
    const args = [...again, '_oom', id]
    ops.push({ op: 'report_oom', by: 'monitor', at: 'runtime:run', file: counter, args, env })
  }
  const stop = record.unit === undefined ? undefined : stopOp(record)
  // Mounts are not the shim's to judge, that a hook failed has to be told in words, and who outlives init has to be killed.
  const beyondMonitor =
    record.poststop.length > 0 ||
    record.mountBelow !== undefined ||
    !record.ownPidNamespace ||
    (record.unit !== undefined && stop === undefined)
  if (!keep && beyondMonitor) {
    ops.push({ op: 'clean_up', ...cleaner })
  } else if (!keep) {
    if (stop !== undefined) ops.push(stop)
    for (const path of cgroupDirectories(record.cgroup))
      ops.push({ op: 'remove_cgroup', by: 'monitor', at, path })
    for (let i = (record.resctrl ?? []).length - 1; i >= 0; i--)
      ops.push({ op: 'remove_directory', by: 'monitor', at, path: record.resctrl?.[i] as HostPath })
    if (notify) {
      const path = `${directory}/${files.notify}` as HostPath
      ops.push({ op: 'remove_file', by: 'monitor', at, path: `${path}/notify.sock` as HostPath })
      ops.push({ op: 'remove_directory', by: 'monitor', at, path })
    }
    for (const name of [files.config, files.state]) {
      ops.push({ op: 'remove_file', by: 'monitor', at, path: `${directory}/${name}` as HostPath })
    }
    ops.push({ op: 'remove_directory', by: 'monitor', at, path: directory as HostPath })
    ops.push({ op: 'clean_up_after_failure', ...cleaner })
  }
  ops.push({ op: 'exit_like_init', by: 'monitor', at: 'runtime:run' })
  return ops
}

/**
 * Only systemd takes a unit away. It is told to by the monitor, which has no words of its own: not where processes may be left, or
 * where a property that somebody asked for may keep the unit.
 */
function stopOp({ unit, cgroup, ownPidNamespace, annotations = {} }: Record): Op | undefined {
  const asked = Object.keys(annotations).some(name => name.startsWith('org.systemd.property.'))
  const dir = cgroup.v1['name=systemd'] ?? cgroup.v2
  if (unit === undefined || dir === undefined || asked || !ownPidNamespace) return undefined
  const request = stopRequest(unit.bus, unit.name)
  if (request === undefined) return undefined
  const { first, bytes } = request
  // In plans bytes are of whole words.
  const message = new Uint8Array((bytes.length + 7) & ~7)
  message.set(bytes)
  const paths = { cgroup: dir as HostPath, socket: request.socket as HostPath }
  return {
    op: 'stop_unit',
    by: 'monitor',
    at: 'runtime:delete',
    ...paths,
    message,
    first,
    length: bytes.length,
  }
}

function poststart(record: Record, state: string, out: Op[]): void {
  if (record.poststart.length > 0) openHookOutput(record, 'monitor', out)
  for (let i = 0; i < record.poststart.length; i++)
    out.push(poststartHook(i, record.poststart[i] as Hook, state))
}

/** A hook as the monitor runs it, with its state complete. */
export function poststartHook(index: number, hook: Hook, state: string): Op {
  const { path, args = [], env = [] } = hook
  const words = args.length === 0 ? [path] : args
  const at = `/hooks/poststart/${index}`
  return {
    op: 'run_hook',
    by: 'monitor',
    at,
    path,
    args: words,
    env,
    timeout: timeoutOf(hook),
    before: state,
    after: '',
  }
}

function cgroupDirectories({ v1, v2 }: Created['record']['cgroup']): HostPath[] {
  const paths = new Set(Object.values(v1))
  if (v2 !== undefined) paths.add(v2)
  return [...paths] as HostPath[]
}
