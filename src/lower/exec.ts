import type { CgroupPaths } from '../host/cgroup.js'
import type { Facts } from '../host/facts.js'
import type { NamespaceType } from '../plan/flags.js'
import type { Bus, HostPath, Op, Plan } from '../plan/op.js'
import type { Process, Spec } from '../spec/types.gen.js'
import { type CgroupEntry, enterCgroups } from './cgroup/enter.js'
import { joinCgroup, moveInit } from './cgroupsteps.js'
import { openConsole, useConsole } from './console.js'
import { findProgram, runProgram } from './finish.js'
import { becomeRoot, becomeUser } from './identity.js'
import { type Input, type Request, ROOT } from './input.js'
import { earlyResourceLimits, oomScore, resourceLimits } from './limits.js'
import { joinKeyring } from './namespaces.js'
import { enterResctrl } from './resctrl.js'
import { sharesMounts } from './rootfs.js'
import { affinity } from './schedule.js'

/** What the passes of `exec` read: those that it shares with `create` see the new process as the config's. */
interface ExecInput extends Input {
  /** Init of the container, in the runtime's pid namespace. */
  readonly init: number
}

type ExecPass = (input: ExecInput, out: Op[]) => void

/** What `exec` does, in order: the executor and the passes of identity are those of `create`, the set-up is one system call. */
const passes: readonly ExecPass[] = [
  // Outside, where cgroups have paths.
  initialAffinity,
  joinCgroup,
  scoreOfUser,
  joinContainer,
  finalAffinity,
  // Inside, with all rights: what must not be looked at or taken over yet is not dumpable and owns nothing of the host.
  joinSession,
  openTerminal,
  useConsole,
  earlyResourceLimits,
  becomeUser,
  findProgram,
  // One barrier, at the end as in `create`.
  moveAtLast,
  enterResctrl,
  scoreOfRoot,
  resourceLimits,
  report,
  runProgram,
]

export interface ExecRequest {
  /** The container's, with what the command line of `exec` says of descriptors and sockets. */
  readonly request: Request
  readonly init: number
  /** Where the process goes: the container's cgroups, or cgroups below them. */
  readonly cgroup: CgroupPaths
  /** systemd moves the helper there, where the runtime's user may not. */
  readonly attach?: { readonly unit: string; readonly bus: Bus; readonly subcgroup: string }
}

/** Compiles a process that is to run in a container made from `spec`. Pure. */
export function lowerExec(
  spec: Spec,
  process: Process,
  host: Facts,
  { request, init, cgroup, attach }: ExecRequest,
  warn: Input['warn'],
): Plan {
  const { linux = {} } = spec
  const userNamespace = (linux.namespaces ?? []).some(namespace => namespace.type === 'user')
  const at = 'runtime:cgroup'
  const entry: CgroupEntry =
    attach === undefined
      ? enterCgroups(cgroup, at, userNamespace)
      : { join: [{ op: 'unit_attach', by: 'runtime', at, ...attach }], moveInit: [] }
  const input: ExecInput = {
    spec,
    process,
    linux,
    user: { uid: 0, gid: 0, ...process.user },
    host,
    cgroup: { ...entry, create: [], limit: [], warnings: [], paths: cgroup },
    request,
    userNamespace,
    warn,
    init,
  }
  const ops: Op[] = []
  for (const pass of passes) pass(input, ops)
  return { format: 1, ops }
}

/** The files of a process that entered a user namespace are out of reach for an ordinary user: it gets its score before, and keeps it. */
function scoreOfUser(input: ExecInput, out: Op[]): void {
  if (input.host.euid === 0 || input.process.oomScoreAdj === undefined) return
  const at = '/process/oomScoreAdj'
  out.push({ op: 'set_dumpable', by: 'helper', at, value: 1 })
  oomScore(input, out)
  out.push({ op: 'set_dumpable', by: 'helper', at, value: 0 })
}

function scoreOfRoot(input: ExecInput, out: Op[]): void {
  if (input.host.euid === 0) oomScore(input, out)
}

/** The namespaces of the container that are its own; those that it shares with the host are the caller's, too. */
function joinContainer(input: ExecInput, out: Op[]): void {
  const { linux, init, cgroup, userNamespace } = input
  const at = '/linux/namespaces'
  const namespaces: NamespaceType[] = []
  // The kernel lets nobody be born into a cgroup that lies outside its maker's cgroup namespace (ENOENT, where the hierarchy is
  // mounted with nsdelegate, as systemd does): that namespace is joined afterwards.
  const cgroupLater =
    cgroup.slot !== undefined && (linux.namespaces ?? []).some(({ type }) => type === 'cgroup')
  for (const { type } of linux.namespaces ?? []) if (type !== 'cgroup' || !cgroupLater) namespaces.push(type)
  // The namespaces alone would leave it in the runtime's root.
  if (sharesMounts(linux)) {
    const path = `/proc/${init}/root` as HostPath
    out.push({ op: 'open_path', by: 'helper', at: '/root/path', slot: CONTAINER_ROOT, path })
  }
  if (cgroupLater) {
    const path = `/proc/${init}/ns/cgroup` as HostPath
    out.push({ op: 'open_namespace', by: 'helper', at, slot: CGROUP_NAMESPACE, path, type: ['cgroup'] })
  }
  out.push({ op: 'join_process', by: 'helper', at, pid: init, namespaces })
  if (userNamespace) becomeRoot(input, at, out)
  // A pid namespace takes children only. Nothing else is new.
  out.push({
    op: 'clone_init',
    by: 'helper',
    at,
    namespaces: [],
    ...(cgroup.slot !== undefined && { cgroup: cgroup.slot }),
  })
  if (sharesMounts(linux)) {
    out.push({ op: 'enter_root', by: 'init', at: '/root/path', root: CONTAINER_ROOT })
  }
  if (cgroupLater) out.push({ op: 'setns', by: 'init', at, slot: CGROUP_NAMESPACE, type: ['cgroup'] })
}

const CGROUP_NAMESPACE = 'ns:cgroup'
const CONTAINER_ROOT = 'container-root'

function initialAffinity({ process }: ExecInput, out: Op[]): void {
  affinity(process, 'initial', 'helper', out)
}

const choosesCpus = ({ process }: ExecInput): boolean => (process.execCPUAffinity?.final ?? '') !== ''

/** Where the runtime has to move the process, that comes first: with a barrier of its own. */
function finalAffinity(input: ExecInput, out: Op[]): void {
  if (!choosesCpus(input)) return
  moveInit(input, out)
  affinity(input.process, 'final', 'init', out)
}

function moveAtLast(input: ExecInput, out: Op[]): void {
  if (!choosesCpus(input)) moveInit(input, out)
}

function joinSession(input: ExecInput, out: Op[]): void {
  out.push({ op: 'setsid', by: 'init', at: 'runtime:session' })
  joinKeyring(input, out)
}

/** A pty of the container's devpts; /dev/console stays that of init. */
function openTerminal(input: ExecInput, out: Op[]): void {
  if (input.process.terminal !== true) return
  const path = '/' as HostPath
  out.push({ op: 'open_path', by: 'init', at: '/process/terminal', slot: ROOT, path })
  openConsole(input, out, false)
}

/** The last words with the runtime. The barrier also tells it from where on the end of the socket means success. */
function report({ request }: ExecInput, out: Op[]): void {
  out.push({ op: 'check_container', by: 'runtime', at: 'runtime:container' })
  const { pidfdSocket: socket, pidFile: path } = request
  if (socket !== undefined) {
    out.push({ op: 'send_pidfd', by: 'runtime', at: 'runtime:pidfd-socket', socket, payload: 'setns' })
  }
  if (path !== undefined) out.push({ op: 'write_pid_file', by: 'runtime', at: 'runtime:pid-file', path })
}
