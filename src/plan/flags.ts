/**
 * Names and kernel values of the flag sets and enumerations that ops carry. Flags stay sets of names until `encode`.
 * The generator turns each table into a mask in `shim/ops.gen.h`: the shim refuses bits outside it.
 */

/** clone(2) namespace flags, by the names of config.json. */
export const namespaces = {
  time: 0x80,
  mount: 0x20000,
  cgroup: 0x2000000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
} as const

/** mount_setattr(2) and fsmount(2) attributes. Access times are one field: relatime is its zero. */
export const mountAttr = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  atime_mask: 0x70,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
} as const

/** mount(2) propagation types. `none` leaves it as it is. */
export const propagation = {
  none: 0,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
} as const

/** What `move_mount` does when its target is missing. */
export const create = {
  /** The target must exist. */
  never: 0,
  directory: 1,
  file: 2,
  /** A directory when the source is one, else a file. */
  like_source: 3,
} as const

/** How symbolic links in a target are treated. */
export const links = {
  /** Followed inside the root (RESOLVE_IN_ROOT). */
  in_root: 0,
  /** Refused: /proc and /sys must be real directories (CVE-2019-19921, CVE-2023-27561). */
  refuse: 1,
  /** The last component is not followed: its link is the target (`dest-nofollow`). */
  nofollow: 2,
} as const

export const nodeType = { char: 0x2000, block: 0x6000, fifo: 0x1000 } as const

/** open_tree(2). */
export const treeFlags = { clone: 1, recursive: 0x8000 } as const

/** seccomp(2) filter flags. */
export const seccompFlags = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0x20,
} as const

/** Policies of sched_setattr(2), by the names of config.json. */
export const schedPolicy = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  /** Reserved: no kernel has it. */
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const

export const schedFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x1,
  SCHED_FLAG_RECLAIM: 0x2,
  SCHED_FLAG_DL_OVERRUN: 0x4,
  SCHED_FLAG_KEEP_POLICY: 0x8,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const

/** ioprio_set(2). */
export const ioClass = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const

/** set_mempolicy(2). */
export const memoryMode = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const

export const memoryFlags = {
  MPOL_F_NUMA_BALANCING: 0x2000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_STATIC_NODES: 0x8000,
} as const

/** personality(2). */
export const domain = { LINUX: 0, LINUX32: 8 } as const

/** What `set_label` writes: the label that exec changes to (of AppArmor or another module), that of new keys. */
export const attribute = { exec: 1, apparmor: 2, keycreate: 3 } as const

export const flagTables = {
  namespaces,
  mountAttr,
  treeFlags,
  seccompFlags,
  schedFlags,
  memoryFlags,
} as const
export const enumTables = {
  propagation,
  create,
  links,
  nodeType,
  schedPolicy,
  ioClass,
  memoryMode,
  domain,
  attribute,
} as const

export type FlagTable = keyof typeof flagTables
export type EnumTable = keyof typeof enumTables
export type FlagName<T extends FlagTable> = keyof (typeof flagTables)[T]
export type EnumName<T extends EnumTable> = keyof (typeof enumTables)[T]
export type NamespaceType = keyof typeof namespaces
export type MountAttr = keyof typeof mountAttr
export type Propagation = keyof typeof propagation
