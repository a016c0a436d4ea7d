import type { CgroupPaths } from '../host/cgroup.js'
import type { Bus, Op } from '../plan/op.js'
import type { Hook } from '../spec/types.gen.js'
import { exists, tryRead, tryReadLink } from '../sys/files.js'
import { isFrozen } from './cgroup.js'
import type { Status } from './options.js'
import { directoryOf, files } from './store.js'

/** A process as it can be told from a later one with the same pid. */
export interface ProcessId {
  readonly pid: number
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTime: number
}

/** What state.json holds. */
export interface Record {
  /** Version of this layout. */
  readonly format: 1
  readonly id: string
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339 with nanoseconds, UTC. */
  readonly created: string
  /** Uid of the caller. */
  readonly owner: number
  /** The runtime that is creating it. */
  readonly creator: ProcessId
  /** Absent until init waits for `start`: before that it dies with its creator. */
  readonly init?: ProcessId
  readonly cgroup: CgroupPaths
  /** The systemd unit that holds it. */
  readonly unit?: { readonly name: string; readonly bus: Bus }
  /** Groups of resctrl that go with it, parents first. */
  readonly resctrl?: readonly string[]
  /** Init is pid 1 of its own namespace, so that its end is the end of all. */
  readonly ownPidNamespace: boolean
  /**
   * The container has no mount namespace of its own: what was mounted at its rootfs before (an id of mountinfo). The mount
   * that is on top of that now is the container's, and all of its mounts are below it.
   */
  readonly mountBelow?: string
  /** The config has no process: `start` is an error. */
  readonly noProcess?: boolean
  /** `--no-new-keyring` was given: there is none that `exec` could join. */
  readonly noNewKeyring?: boolean
  /** It was restored into a time namespace that its config does not name. */
  readonly timeNamespace?: boolean
  /** The limits since the last update, as JSON with exact integers; absent: those of the frozen config. */
  readonly resources?: string
  /** The file that `--output` named. */
  readonly output?: string
  /** The criu that waits for somebody to fetch the memory of a checkpoint: it goes with the container. */
  readonly pageServer?: ProcessId
  readonly annotations?: Readonly<{ [key: string]: string }>
  readonly poststart: readonly Hook[]
  readonly poststop: readonly Hook[]
  /** The ops that init runs after `start`, by their place in the plan: what a failure then is told from. */
  readonly afterStart: readonly (readonly [number, Op])[]
}

/** What /proc tells of a process: undefined when it is gone, or a zombie. */
export function startTimeOf(pid: number): number | undefined {
  const stat = tryRead(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name in field 2 may hold spaces and parentheses: count from its last `)`.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : Number(fields[19])
}

export function isAlive({ pid, startTime }: ProcessId): boolean {
  return startTimeOf(pid) === startTime
}

/** The status of a container, from what is there: never stored, so never wrong after a crash. */
export function statusOf(root: string, record: Record): Status {
  if (record.init === undefined) return isAlive(record.creator) ? 'creating' : 'stopped'
  if (!isAlive(record.init)) return 'stopped'
  if (isFrozen(record.cgroup)) return 'paused'
  return exists(`${directoryOf(root, record.id)}/${files.fifo}`) && !hasExecuted(record.init)
    ? 'created'
    : 'running'
}

/** Whether a foreground `run` or `restore` became this: it takes the container away when init has ended. */
export function isMonitor({ pid }: ProcessId): boolean {
  return (tryRead(`/proc/${pid}/cmdline`) ?? '').startsWith('tsrun-shim\0monitor\0')
}

/** A `start` that was killed may have let init go and left the fifo there. While it waits, init is the shim. */
function hasExecuted({ pid }: ProcessId): boolean {
  const program = tryReadLink(`/proc/${pid}/exe`)
  return program !== undefined && !program.startsWith(SHIM)
}

/** The memfd of `launch/shim.ts`, as the kernel names it. */
const SHIM = '/memfd:tsrun-shim'
