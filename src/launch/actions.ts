import { HostError, InternalError } from '../base/errors.js'
import type { Log } from '../base/log.js'
import type { HookKind, OpOf, RuntimeOp, RuntimeOpName } from '../plan/op.js'
import { archFlags, close, type FileStatus, O, openFile, tryStat, writeFileAtomic } from '../sys/files.js'
import { writeKernelFile } from '../sys/kernelfiles.js'
import { native } from '../sys/native.js'
import { createCgroups } from './cgroup.js'
import { joinCgroups, writeCgroups } from './cgroupvalues.js'
import { attachDeviceFilter } from './devicefilter.js'
import { sendConsole, sendListener, sendPidfd } from './handover.js'
import { runHook } from './hook.js'
import { checkIdMaps, writeIdMaps } from './idmap.js'
import { setLimit } from './limits.js'
import { moveNetDevice } from './netdevice.js'
import { createResctrl, joinResctrl, ownGroups } from './resctrl.js'
import { checkSecurityModule } from './securitymodule.js'
import type { Session } from './session.js'
import { attachToUnit, setUnit, startUnit } from './systemd.js'
import { writeTimeOffsets } from './timens.js'

const S_IFMT = 0o170000
const S_IFCHR = 0o020000

/** What the container layer does at its ops. */
export interface Actions {
  /** Throws when the container that is joined has ended. */
  checkContainer(): void
  /** Writes state.json; init's pid is known. */
  saveState(pid: number): void
  /** Called when init has begun its work: there is a millisecond to spend. */
  meanwhile?(pid: number): void
  /** Working directory of hooks and of the shim. */
  readonly bundle: string
  /** Descriptors of ours that the new process gets as 3, 4 and so on. Absent: it gets the preserved ones. */
  readonly descriptors?: readonly number[]
  /** A descriptor of ours that the new process gets as stdout and stderr. Absent: ours. */
  readonly output?: number
  readonly log: Log
  /** The state document that a hook receives; a listener of seccomp that of `creating`. */
  hookState(pid: number, kind?: HookKind): string
  /** Told which cgroup directories are new: a failed create removes those. */
  cgroupsMade(directories: readonly string[]): void
  /** Told that the container's systemd unit is there. */
  unitStarted(): void
  /** Told which groups of resctrl are new: a failed create removes those; and which of them go with the container. */
  resctrlMade(directories: readonly string[], own: readonly string[]): void
}

type Runner<N extends RuntimeOpName> = (op: OpOf<N>, session: Session, actions: Actions) => void

/** One row per op of the runtime. */
const runners: { readonly [N in RuntimeOpName]: Runner<N> } = {
  cgroup_create: (op, _session, actions) => actions.cgroupsMade(createCgroups(op)),
  cgroup_write: op => writeCgroups([op]),
  cgroup_devices: attachDeviceFilter,
  unit_start(op, { pid }, actions) {
    startUnit(op, pid)
    actions.unitStarted()
  },
  unit_set: setUnit,
  unit_attach: (op, { pid }) => attachToUnit(op, pid),
  cgroup_join: (op, { pid }) => joinCgroups(op, pid),
  write_id_map: (op, { pid }) => writeIdMaps(op, pid),
  check_id_map: (op, { pid }) => checkIdMaps(op, pid),
  resctrl_create(op, _session, actions) {
    const made = createResctrl(op)
    actions.resctrlMade(made, ownGroups(op, made))
  },
  resctrl_join: (op, { pid }) => joinResctrl(op, pid),
  move_net_device: (op, { pid }) => moveNetDevice(op, pid),
  check_security_module: checkSecurityModule,
  write_time_offsets: (op, { pid }) => writeTimeOffsets(op, pid),
  write_oom_score_adj: ({ value }, { pid }) => writeOomScore(pid, value),
  prlimit: (op, { pid }) => setLimit(op, pid),
  hook: (op, { pid }, actions) => runHook(op, actions.hookState(pid, op.kind), actions.bundle, actions.log),
  receive_console({ socket }, session) {
    const { console } = session
    if (console === undefined) throw new InternalError('the shim sent no pty')
    if (socket === undefined) return
    sendConsole(socket, console)
    native().close(console)
    session.console = undefined
  },
  send_seccomp_listener({ socket, metadata }, session, actions) {
    const { listener, pid } = session
    if (listener === undefined) throw new InternalError('the shim sent no seccomp listener')
    sendListener(socket, listener, pid, metadata, actions.hookState(pid))
    native().close(listener)
    session.listener = undefined
  },
  send_pidfd({ socket, payload }, { pidfd }) {
    if (pidfd === undefined) throw new InternalError('init has no pidfd')
    sendPidfd(socket, pidfd, payload ?? 'standard')
  },
  save_state: (_op, { pid }, actions) => actions.saveState(pid),
  write_pid_file: ({ path }, { pid }) => writePidFile(path, pid),
  check_container: (_op, _session, actions) => actions.checkContainer(),
}

/** Runs ops in order. Knobs that follow each other are written as one group: pairs of them check each other. */
export function runActions(ops: readonly RuntimeOp[], session: Session, actions: Actions): void {
  let knobs: OpOf<'cgroup_write'>[] = []
  for (const op of ops) {
    actions.log.debug(op.op, { pointer: op.at })
    if (op.op === 'cgroup_write') {
      knobs.push(op)
      continue
    }
    if (knobs.length > 0) writeCgroups(knobs)
    knobs = []
    const run = runners[op.op] as Runner<RuntimeOpName>
    run(op, session, actions)
  }
  if (knobs.length > 0) writeCgroups(knobs)
}

const isDevice = (status: FileStatus | undefined): boolean => ((status?.mode ?? 0) & S_IFMT) === S_IFCHR

/** What was a device may be something else by now, which is not written to. */
function writeToDevice(path: string, text: string): void {
  const fd = openFile(path, O.WRONLY | O.NONBLOCK | archFlags[native().arch].nofollow)
  const own = `/proc/self/fd/${fd}`
  try {
    if (isDevice(tryStat(own))) writeKernelFile(own, text)
  } finally {
    close(fd)
  }
}

/** /proc/PID/oom_score_adj. Lowering it needs CAP_SYS_RESOURCE; the value that is there already is always allowed. */
function writeOomScore(pid: number, value: number): void {
  try {
    writeKernelFile(`/proc/${pid}/oom_score_adj`, `${value}`)
  } catch (error) {
    const hint = "a score below the runtime's own needs CAP_SYS_RESOURCE"
    throw new HostError(
      `/process/oomScoreAdj: set the OOM score to ${value}: ${(error as Error).message} (${hint})`,
    )
  }
}

/**
 * Decimal, no newline, there at once or not at all: engines read it as soon as `create` returns. The directory may be anybody's, such as
 * /tmp: no link is followed.
 */
export function writePidFile(path: string, pid: number): void {
  try {
    // A rename would put a file in the place of /dev/null, for the whole machine.
    if (isDevice(tryStat(path, true))) writeToDevice(path, `${pid}`)
    else writeFileAtomic(path, `${pid}`, 0o666)
  } catch (error) {
    throw new HostError(`write the pid file ${path}: ${(error as Error).message}`)
  }
}
