/**
 * The intermediate language: a plan is an ordered list of ops, each plain data. Shim ops are typed from the table in
 * `opcodes.ts`; runtime ops are what the runtime itself does between them.
 */
import type { Int64 } from '../base/int64.js'
import type { EnumName, EnumTable, FlagName, FlagTable } from './flags.js'
import type { OpName, opcodes } from './opcodes.js'

/** A path in the host's mount namespace. Absolute. */
export type HostPath = string & { readonly brand: 'HostPath' }
/** A path that is resolved inside the container's root, never on the host. Absolute, cleaned. */
export type InRootPath = string & { readonly brand: 'InRootPath' }
/** The name of a descriptor that one op opens and later ops use: `root`, `fifo`, `mount:3`. */
export type Slot = string

interface KindTypes {
  u32: number
  i32: number
  u64: number | bigint
  str: string
  hostPath: HostPath
  inRootPath: InRootPath
  strs: readonly string[]
  u32s: readonly number[]
  bytes: Uint8Array
  slot: Slot
  newSlot: Slot
}
type FieldType<K> = K extends keyof KindTypes
  ? KindTypes[K]
  : K extends `flags:${infer T extends FlagTable}`
    ? readonly FlagName<T>[]
    : K extends `enum:${infer T extends EnumTable}`
      ? EnumName<T>
      : never
type Fields<F> = {
  readonly [N in keyof F as F[N] extends `${string}?` ? never : N]: FieldType<F[N]>
} & {
  readonly [N in keyof F as F[N] extends `${string}?` ? N : never]?: F[N] extends `${infer K}?`
    ? FieldType<K>
    : never
}

/** What every op carries. */
export interface OpBase {
  /** JSON pointer of the config field that caused it, or `default:…` / `runtime:…`. */
  readonly at: string
  /** Names of errnos that count as success: at most four. */
  readonly tolerate?: readonly string[]
}

/**
 * Who of the shim runs an op: `helper` before the container's process exists, `init` inside it, `monitor` beside a
 * foreground container.
 */
export type Actor = 'helper' | 'init' | 'monitor'

/** Ops that the shim runs. */
export type ShimOp = {
  [N in OpName]: OpBase & { readonly op: N; readonly by: Actor } & Fields<(typeof opcodes)[N]['fields']>
}[OpName]

export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export type HookKind =
  | 'prestart'
  | 'createRuntime'
  | 'createContainer'
  | 'startContainer'
  | 'poststart'
  | 'poststop'

/** Whose systemd is asked: the machine's on the system bus, or a user's on that user's bus. */
export type Bus = 'system' | 'user'

/** A property of a systemd unit, org.freedesktop.systemd1(5), with its D-Bus type. */
export type UnitProperty = {
  readonly name: string
  /** The config field that asks for it. */
  readonly at: string
} & (
  | { readonly type: 'b'; readonly value: boolean }
  | { readonly type: 's'; readonly value: string }
  | { readonly type: 'as'; readonly value: readonly string[] }
  | { readonly type: 'i' | 'u' | 't'; readonly value: Int64 }
  | { readonly type: 'ay'; readonly value: Uint8Array }
  | { readonly type: 'a(st)'; readonly value: readonly (readonly [string, Int64])[] }
  /** Device rules, as lines of cgroup v1 (`c 136:* rwm`): systemd knows drivers by name, which `launch` looks up. */
  | { readonly type: 'a(ss)'; readonly value: readonly string[] }
)

/** A cgroup v2 controller and the config field that cannot do without it. */
export interface ControllerNeed {
  readonly controller: string
  readonly at: string
}

interface RuntimeFields {
  /**
   * Makes the container's cgroups, with the parents that they miss. Needs no process: runs while the shim starts.
   * Refused when `populated` is there already and has processes, or when `freezer` says that it is frozen. (A cgroup that systemd
   * made has the helper in it.)
   */
  cgroup_create: {
    readonly dirs: readonly HostPath[]
    readonly populated?: HostPath
    readonly freezer?: HostPath
    /** v1: a cpuset has to have CPUs and memory nodes before anything joins; these files get the parent's value. */
    readonly cpuset?: { readonly dir: HostPath; readonly inherit: readonly string[] }
    /** v2: all controllers that there are get enabled from `mount` down to `dir`; the needed ones must be. */
    readonly unified?: {
      readonly mount: HostPath
      readonly dir: HostPath
      readonly need: readonly ControllerNeed[]
    }
  }
  /** Writes one file of a cgroup: each value by a write(2) of its own. No undo: a failed create removes the cgroup. */
  cgroup_write: {
    readonly file: HostPath
    readonly values: readonly string[]
    /** Written instead where the kernel does not have `file`. */
    readonly otherwise?: { readonly file: HostPath; readonly values: readonly string[] }
  }
  /**
   * v2 has no file for device rules: loads and attaches a program. `exceptions` are lines as v1 has them (`c 1:3 rwm`), in which
   * the devices differ from `allowAll`.
   */
  cgroup_devices: {
    readonly dir: HostPath
    readonly allowAll: boolean
    readonly exceptions: readonly string[]
  }
  /**
   * Has systemd start a transient unit with the helper in it, and waits for the job: a scope lives as long as a process is in it, so
   * there is none before. Init is cloned into it. `dir` is where systemd has to make its cgroup. Runs while the shim starts.
   */
  unit_start: {
    readonly unit: string
    readonly bus: Bus
    readonly dir: HostPath
    readonly properties: readonly UnitProperty[]
  }
  /** Sets properties of the container's unit, all or none, and waits until systemd has put them into force. */
  unit_set: { readonly unit: string; readonly bus: Bus; readonly properties: readonly UnitProperty[] }
  /** Has systemd move the helper into the container's unit: where the runtime's user may not. */
  unit_attach: { readonly unit: string; readonly bus: Bus; readonly subcgroup: string }
  /** Moves the helper or init into the container's cgroups. */
  cgroup_join: { readonly dirs: readonly HostPath[] }
  write_id_map: {
    readonly uid: readonly IdMapping[]
    readonly gid: readonly IdMapping[]
    readonly setgroups: 'allow' | 'deny' | 'unchanged'
    /** Maps that newuidmap(1) and newgidmap(1) write, for an ordinary user. */
    readonly tools?: readonly ('uid' | 'gid')[]
  }
  /** The user namespace that the helper has joined must have exactly these maps. */
  check_id_map: { readonly uid: readonly IdMapping[]; readonly gid: readonly IdMapping[] }
  /** Moves a network device of the host into the container's network namespace, with its addresses, and brings it up. */
  move_net_device: { readonly from: string; readonly name: string }
  /**
   * Makes a resource group of resctrl, and a monitoring group. A group that is there must have the lines of `compare`; those of
   * `schemata` are written to it. Runs while the shim starts.
   */
  resctrl_create: {
    readonly mount: HostPath
    readonly group: HostPath
    readonly monitor?: HostPath
    readonly compare: string
    readonly schemata: string
    readonly mustExist: boolean
    /** The group has a name (closID): others may use it, and it outlives the container. */
    readonly keep: boolean
  }
  resctrl_join: { readonly dirs: readonly HostPath[] }
  /** Fails where the labels of this module would have no effect. */
  check_security_module: { readonly module: 'selinux' | 'apparmor' }
  /** Shifts the clocks of the time namespace that the helper has unshared: lines for /proc/PID/timens_offsets. */
  write_time_offsets: { readonly text: string }
  write_oom_score_adj: { readonly value: number }
  prlimit: { readonly resource: string; readonly soft: Int64; readonly hard: Int64 }
  hook: {
    readonly kind: HookKind
    readonly path: string
    readonly args: readonly string[]
    readonly env: readonly string[]
    /** Seconds; absent: none. */
    readonly timeout?: number
    /** Files that its output is appended to; absent: it is kept for the error. */
    readonly stdout?: string
    readonly stderr?: string
  }
  /** Receives the pty master that `open_console` sent and hands it to the console socket or keeps it for the relay. */
  receive_console: { readonly socket?: HostPath }
  /** Connects to the socket and sends it the listener that `seccomp_listen` made, with the container's process state. */
  send_seccomp_listener: { readonly socket: string; readonly metadata?: string }
  /** Sends a pidfd of init over a unix socket; that of an exec with the payload `setns`, as runc names it. */
  send_pidfd: { readonly socket: HostPath; readonly payload?: 'setns' }
  save_state: { readonly status: 'creating' | 'created' }
  write_pid_file: { readonly path: HostPath }
  /** exec: the process that was joined by its pid is still the container's init, so it was all along. */
  check_container: object
}

export type RuntimeOpName = keyof RuntimeFields
export type RuntimeOp = {
  [N in RuntimeOpName]: OpBase & { readonly op: N; readonly by: 'runtime' } & RuntimeFields[N]
}[RuntimeOpName]

export type Op = ShimOp | RuntimeOp
export type OpOf<N extends Op['op']> = Extract<Op, { readonly op: N }>

export interface Plan {
  /** Version of this language. */
  readonly format: 1
  readonly ops: readonly Op[]
}

/** A plan whose ordering rules were checked (`verify.ts`). */
export type VerifiedPlan = Plan & { readonly brand: 'VerifiedPlan' }
