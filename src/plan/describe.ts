/**
 * What an op does, in words, and what its failure means: the error texts of a launch. The op's own fields tell the story, so
 * no error is written anywhere else.
 */
import { errnoName, errnoText } from '../base/errno.js'
import { signalName } from '../base/signals.js'
import type { FailedFrame } from './frames.js'
import { hintFor } from './hints.js'
import type { Op, OpOf } from './op.js'
import { type OpName, opcodes } from './opcodes.js'

/** Says what the op does, as a verb phrase. `ops` is the plan around it. */
type Phrases = { readonly [N in Op['op']]: (op: OpOf<N>, ops: readonly Op[]) => string }

const list = (names: readonly string[]): string => names.join(', ')

/** A function, so that a start that goes well does not make the table. */
const phrases = (): Phrases => ({
  barrier: () => 'wait for the runtime',
  ready: () => 'let go of the runtime',
  open_namespace: ({ type, path }) => `open ${list(type)} namespace ${path}`,
  setns: ({ type, slot }, ops) => `join ${list(type)} namespace${opened(slot, ops)}`,
  unshare: ({ namespaces }) => `make new namespaces (${list(namespaces)})`,
  set_dumpable: () => 'open /proc/self to the runtime',
  become_root: () => 'become root of the user namespace',
  clone_init: ({ namespaces }) => `start init in new namespaces (${list(namespaces)})`,
  join_cgroup: ({ path }) => `join cgroup ${path.slice(0, path.lastIndexOf('/'))}`,
  setsid: () => 'start a session',
  join_session_keyring: ({ name }) => `join session keyring ${name}`,
  loopback_up: () => 'bring up the loopback device',
  open_path: ({ path }) => `open ${path}`,
  open_fd_directory: () => "open the host's /proc/self/fd",
  open_procfs: () => 'mount a private procfs',
  write_file: ({ path, value }) => `write "${value}" to ${path}`,
  set_propagation: ({ path, propagation }) => `make ${path} ${propagation}`,
  make_parent_private: ({ path }) => `make the mount of ${path} private`,
  open_root: ({ path }) => `open rootfs ${path}`,
  fsmount: ({ slot, type, options, attrs }, ops) =>
    `mount ${type}${on(slot, ops)}${inParentheses([...attrs, ...options])}`,
  open_tree: ({ slot, path }, ops) => `bind ${path}${on(slot, ops)}`,
  mount_setattr: ({ slot, set, clear, propagation }, ops) =>
    `set attributes of mount${on(slot, ops)}${inParentheses([
      ...set,
      ...clear.map(name => `not ${name}`),
      ...(propagation === 'none' ? [] : [propagation]),
    ])}`,
  move_mount: ({ slot, target }, ops) => `attach ${mountOf(slot, ops)} on ${target}`,
  copy_up: ({ source }) => `copy ${source} into the tmpfs that covers it`,
  open_target: ({ path }) => `open mount ${path}`,
  fspick: ({ slot, options }, ops) => `remount${opened(slot, ops)}${inParentheses(options)}`,
  mkdir: ({ path }) => `make directory ${path}`,
  mknod: ({ type, path, major, minor }) =>
    type === 'fifo' ? `make fifo ${path}` : `make ${type} device ${path} (${major}:${minor})`,
  symlink: ({ path, target }) => `link ${path} to ${target}`,
  mask_path: ({ path }) => `mask ${path}`,
  readonly_path: ({ path }) => `make ${path} read-only`,
  pivot_root: () => 'make the rootfs the root',
  enter_root: () => 'change the root',
  move_root: ({ path }) => `make ${path} the root without pivot_root`,
  open_console: () => 'open a terminal on /dev/console',
  use_console: () => 'make the terminal the controlling one',
  sethostname: ({ name }) => `set hostname ${name}`,
  setdomainname: ({ name }) => `set domainname ${name}`,
  umask: ({ mask }) => `set umask 0${mask.toString(8)}`,
  set_no_new_privs: () => 'set no_new_privs',
  drop_bounding: () => 'drop capabilities from the bounding set',
  keep_capabilities: () => 'keep capabilities over the change of user',
  setgroups: ({ gids }) =>
    gids.length === 0 ? 'drop supplementary groups' : `set supplementary groups ${list(gids.map(String))}`,
  setresgid: ({ gid }) => `change to gid ${gid}`,
  setresuid: ({ uid }) => `change to uid ${uid}`,
  capset: () => 'set capabilities',
  raise_ambient: () => 'raise ambient capabilities',
  chown_stdio: ({ uid, gid }) => `give stdio to ${uid}:${gid}`,
  chdir: ({ path }) => `change to directory ${path}`,
  check_cwd: () => 'check that the current directory is inside the root',
  seccomp: () => 'load the seccomp filter',
  seccomp_listen: () => 'load the seccomp filter and open its listener',
  find_home: ({ uid }) => `look up the home of uid ${uid} in /etc/passwd`,
  find_executable: ({ name }) => `exec: "${name}"`,
  sched_setattr: ({ policy }) => `set scheduling policy ${policy}`,
  ioprio_set: op => `set I/O priority ${op.class} ${op.priority}`,
  sched_setaffinity: () => 'choose the CPUs to run on',
  set_mempolicy: ({ mode }) => `set memory policy ${mode}`,
  personality: ({ domain }) => `set execution domain ${domain}`,
  make_user_namespace: () => 'make a user namespace with the maps of a mount',
  idmap_mount: ({ slot }, ops) => `map the ids of the mount${on(slot, ops)}`,
  set_label: ({ attribute, label }) => `set ${attribute} label "${label}"`,
  label_root: ({ label }) => `label the mount "${label}"`,
  wait_start: () => 'wait for start',
  run_hook: ({ path, at }) => `run ${hookKind(at)} hook ${path}`,
  open_hook_output: ({ path }) => `open ${path} for the output of hooks`,
  close_on_exec: () => 'mark descriptors close-on-exec',
  exec: ({ args }) => `exec ${args[0] ?? ''}`,
  exit: () => 'end',
  release: () => 'start the program',
  notify: ({ host }) => `pass READY=1 on to ${host}`,
  supervise: ({ pid }) => `supervise process ${pid}`,
  report_oom: ({ file }) => `look whether ${file} counts kills`,
  stop_unit: ({ cgroup }) => `stop the systemd unit of ${cgroup}`,
  remove_cgroup: ({ path }) => `remove cgroup ${path}`,
  remove_file: ({ path }) => `remove ${path}`,
  remove_directory: ({ path }) => `remove directory ${path}`,
  clean_up_after_failure: () => 'clean up',
  clean_up: () => 'clean up',
  exit_like_init: () => "end with init's exit code",
  join_process: ({ pid, namespaces }) => `join the namespaces of process ${pid} (${list(namespaces)})`,
  release_exec: () => 'start the program',
  cgroup_create: ({ dirs }) => `make cgroup ${dirs[0] ?? ''}`,
  cgroup_write: ({ file, values }) => `write "${values.join('", "')}" to ${file}`,
  cgroup_devices: ({ dir }) => `attach device rules to cgroup ${dir}`,
  unit_start: ({ unit }) => `start systemd unit ${unit}`,
  unit_set: ({ unit }) => `set properties of systemd unit ${unit}`,
  unit_attach: ({ unit }) => `join systemd unit ${unit}`,
  cgroup_join: ({ dirs }) => `join cgroup ${dirs[0] ?? ''}`,
  write_id_map: () => 'write the id maps of the user namespace',
  check_id_map: () => 'compare the id maps of the joined user namespace',
  move_net_device: ({ from, name }) => `move network device ${from} into the container as ${name}`,
  resctrl_create: ({ group }) => `make resource group ${group}`,
  resctrl_join: ({ dirs }) => `join resource group ${dirs[0] ?? ''}`,
  check_security_module: ({ module }) => `check that ${module} is on`,
  write_time_offsets: () => 'shift the clocks of the time namespace',
  write_oom_score_adj: ({ value }) => `set oom_score_adj ${value}`,
  prlimit: ({ resource, soft, hard }) => `set ${resource} to ${soft} (hard ${hard})`,
  hook: ({ kind, path }) => `run ${kind} hook ${path}`,
  receive_console: ({ socket }) =>
    socket === undefined ? 'receive the terminal' : `send the terminal to ${socket}`,
  send_seccomp_listener: ({ socket }) => `send the seccomp listener to ${socket}`,
  send_pidfd: ({ socket }) => `send the pidfd to ${socket}`,
  save_state: () => 'save the state',
  check_container: () => 'check that the container still runs',
  write_pid_file: ({ path }) => `write pid file ${path}`,
})

/** What the op does, as a verb phrase: `mount tmpfs on /data (nosuid, size=1m)`. */
export function phraseOf(op: Op, ops: readonly Op[] = []): string {
  return (phrases()[op.op] as (op: Op, ops: readonly Op[]) => string)(op, ops)
}

/**
 * The text of a failure: `/mounts/3: mount tmpfs on /data (nosuid): fsmount: ENOSPC, no space left on device (hint)`.
 * @param step index into the op's steps; anything for runtime ops
 * @param errno positive, 0 when the step has none; the wait status of hooks
 * @param detail what the kernel or a hook said itself
 * @param ops the plan around the op, which knows what a slot is
 */
export function describeOp(
  op: Op,
  step: number,
  errno: number,
  detail = '',
  ops: readonly Op[] = [],
): string {
  if (op.op === 'find_executable') return `${op.at}: ${notExecutable(op, step, errno)}`
  const name = stepsOf(op)[step]
  const special = name === undefined ? undefined : verdict(op, name, errno)
  const reason = special ?? (errno === 0 ? 'failed' : `${errnoName(errno)}, ${errnoText(errno)}`)
  // The kernel's own words say more than a guess.
  const hint =
    special === undefined && errno !== 0 && detail === '' ? hintFor(op, errnoName(errno), ops) : undefined
  let text = `${op.at}: ${phraseOf(op, ops)}: `
  text += special !== undefined || name === undefined ? reason : `${name}: ${reason}`
  if (detail !== '') text += `: ${detail.trim()}`
  return hint === undefined ? text : `${text} (${hint})`
}

/** What a `failed` frame of the shim means. The command loads this only when there is one (`launch/failure.ts`). */
export function describeFailure(
  op: Op,
  { step, errno, detail }: FailedFrame,
  ops: readonly Op[],
): {
  readonly syscall: string
  readonly errnoName: string
  /** It is no errno that the frame carries: a hook's exit status, for example. */
  readonly finding: boolean
  readonly message: string
} {
  const name = stepsOf(op)[step]
  return {
    syscall: name ?? op.op,
    errnoName: errnoName(errno),
    finding: name !== undefined && verdict(op, name, errno) !== undefined,
    message: describeOp(op, step, errno, detail, ops),
  }
}

const stepsOf = (op: Op): readonly string[] =>
  Object.hasOwn(opcodes, op.op) ? opcodes[op.op as OpName].steps : []

/** Steps that end in a finding, not in an errno. */
function verdict(op: Op, step: string, value: number): string | undefined {
  switch (`${op.op} ${step}`) {
    case 'open_namespace compare type':
      return `it is a namespace of another type`
    case 'open_fd_directory fstatfs':
      return value === 0 ? '/proc is not a procfs' : undefined
    case 'mknod compare':
      return value === 0 ? 'something else is there already' : undefined
    case 'mask_path compare':
      return value === 0 ? 'the /dev/null that would cover it is not the device 1:3' : undefined
    case 'open_console fstatfs':
      return value === 0 ? "/dev/ptmx is not on the container's own devpts" : undefined
    case 'check_cwd getcwd':
      return value === 0 ? 'it is outside' : undefined
    case 'run_hook exit status':
      return `exit status ${value}`
    case 'run_hook signal':
      return `killed by ${signalName(value)}`
    case 'run_hook timeout':
      return op.op === 'run_hook' ? `no end after ${op.timeout} s` : undefined
    default:
      return undefined
  }
}

const EACCES = 13

/** Podman turns these very words into exit codes 126 and 127; of a directory it expects what execve would say. */
function notExecutable(op: OpOf<'find_executable'>, step: number, errno: number): string {
  const what = `exec: "${op.name}": `
  if (opcodes.find_executable.steps[step] === 'is a directory')
    return `${what}permission denied, it is a directory`
  if (errno === EACCES) return `${what}permission denied`
  if (op.name.includes('/')) return `${what}stat ${op.name}: ${errnoText(errno)}`
  return `${what}executable file not found in $PATH`
}

const inParentheses = (words: readonly string[]): string =>
  words.length === 0 ? '' : ` (${words.join(', ')})`

/** ` on TARGET`, where an op of the plan attaches the slot. */
function on(slot: string, ops: readonly Op[]): string {
  for (const op of ops) if (op.op === 'move_mount' && op.slot === slot) return ` on ${op.target}`
  return ''
}

/** What is in the slot of a mount. */
function mountOf(slot: string, ops: readonly Op[]): string {
  for (const op of ops) {
    if (op.op === 'fsmount' && op.slot === slot) return op.type
    if (op.op === 'open_tree' && op.slot === slot) return op.path
  }
  return slot
}

/** ` PATH`, where an op of the plan opened the slot by path. */
function opened(slot: string, ops: readonly Op[]): string {
  for (const op of ops) {
    if ((op.op === 'open_namespace' || op.op === 'open_target') && op.slot === slot) return ` ${op.path}`
  }
  return ''
}

/** `/hooks/createContainer/0` to `createContainer`. */
function hookKind(at: string): string {
  return at.split('/')[2] ?? 'container'
}
