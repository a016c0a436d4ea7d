import type { Op } from './op.js'

/** Advice for a failure: which op, which errnos, and what to do. */
interface Hint {
  readonly op: Op['op']
  readonly errno: string
  /** Only when this holds. */
  readonly when?: (op: Op, ops: readonly Op[]) => boolean
  readonly text: string
}

const mountOf =
  (type: string) =>
  (op: Op): boolean =>
    op.op === 'fsmount' && op.type === type
const hasIdOption = (op: Op): boolean =>
  op.op === 'fsmount' && op.options.some(option => option.startsWith('gid=') || option.startsWith('uid='))
const hasLayers = (op: Op): boolean =>
  op.op === 'fsmount' && op.options.some(option => option.startsWith('lowerdir+='))
const hasLongOption = (op: Op): boolean =>
  op.op === 'fsmount' && op.options.some(option => option.length > option.indexOf('=') + 256)
const noUserNamespace = (_: Op, ops: readonly Op[]): boolean =>
  !ops.some(op => 'namespaces' in op && op.namespaces.includes('user'))

const notMapped = 'the id is not mapped: extend linux.uidMappings and linux.gidMappings'
const noNamespaces = 'raise the limits in /proc/sys/user, or the depth of namespaces is exhausted'

/** The first row that fits is shown. A function, so that a start that goes well does not make the table. */
const hints = (): readonly Hint[] => [
  {
    op: 'mask_path',
    errno: 'ENXIO',
    text: '/dev/null of this machine is no null device: rm /dev/null && mknod -m 666 /dev/null c 1 3',
  },
  {
    op: 'unshare',
    errno: 'EPERM',
    when: noUserNamespace,
    text: 'run as root, or add a user namespace to linux.namespaces',
  },
  { op: 'unshare', errno: 'EPERM', text: 'this system does not let ordinary users make user namespaces' },
  { op: 'unshare', errno: 'ENOSPC', text: noNamespaces },
  { op: 'unshare', errno: 'EINVAL', text: 'this kernel lacks one of these namespaces' },
  {
    op: 'clone_init',
    errno: 'EPERM',
    when: noUserNamespace,
    text: 'run as root, or add a user namespace to linux.namespaces',
  },
  { op: 'clone_init', errno: 'EPERM', text: 'this system does not let ordinary users make user namespaces' },
  {
    op: 'clone_init',
    errno: 'EBUSY',
    text: 'the cgroup hands controllers to children, so it may hold no process: give another cgroupsPath',
  },
  {
    op: 'clone_init',
    errno: 'EOPNOTSUPP',
    text: 'the cgroup is threaded, or below one with processes: give another cgroupsPath',
  },
  { op: 'join_cgroup', errno: 'ENOSPC', text: 'the cpuset of the cgroup has no CPUs or no memory nodes' },
  { op: 'join_cgroup', errno: 'EINVAL', text: 'a real-time process needs cpu.rt_runtime_us in its cgroup' },
  { op: 'clone_init', errno: 'ENOSPC', text: noNamespaces },
  { op: 'clone_init', errno: 'EINVAL', text: 'this kernel lacks one of these namespaces' },
  {
    op: 'clone_init',
    errno: 'EAGAIN',
    text: 'the limit of processes is reached: pids.max of a cgroup, or RLIMIT_NPROC',
  },
  {
    op: 'open_namespace',
    errno: 'ENOENT',
    text: 'the process that held the namespace has ended, or nothing is bound there',
  },
  { op: 'join_process', errno: 'ESRCH', text: 'the container has ended' },
  {
    op: 'join_process',
    errno: 'EPERM',
    text: 'joining needs CAP_SYS_ADMIN in the user namespace that owns the namespaces, and CAP_SYS_PTRACE',
  },
  { op: 'setns', errno: 'EPERM', text: 'joining needs CAP_SYS_ADMIN in the user namespace that owns it' },
  { op: 'setns', errno: 'EUSERS', text: noNamespaces },
  {
    op: 'join_session_keyring',
    errno: 'EDQUOT',
    text: 'raise /proc/sys/kernel/keys/root_maxkeys, or use --no-new-keyring',
  },
  {
    op: 'join_session_keyring',
    errno: 'EPERM',
    text: 'a seccomp filter around tsrun refuses keyctl: use --no-new-keyring',
  },
  { op: 'write_file', errno: 'ENOENT', text: 'this kernel has no such setting in these namespaces' },
  {
    op: 'write_file',
    errno: 'EINVAL',
    when: op => op.op === 'write_file' && op.path.endsWith('ping_group_range'),
    text: 'both groups of the range must be mapped: linux.gidMappings has other ones (a single id: "0 0")',
  },
  { op: 'write_file', errno: 'EINVAL', text: 'the kernel refuses this value' },
  { op: 'write_file', errno: 'EACCES', text: 'the setting is read-only in these namespaces' },
  {
    op: 'write_file',
    errno: 'EPERM',
    text: 'the setting belongs to a namespace that the container does not own',
  },
  { op: 'open_root', errno: 'ENOENT', text: 'root.path must be an existing directory' },
  { op: 'open_root', errno: 'ENOTDIR', text: 'root.path must be a directory' },
  {
    op: 'fsmount',
    errno: 'EPERM',
    when: mountOf('proc'),
    text: 'proc needs a new pid namespace and a /proc outside that nothing covers: take the mounts on /proc of the outer container away (--security-opt systempaths=unconfined, podman: unmask=ALL), or bind /proc ({"type": "bind", "source": "/proc", "options": ["rbind"]})',
  },
  {
    op: 'fsmount',
    errno: 'EPERM',
    when: mountOf('sysfs'),
    text: 'sysfs needs a new network namespace: bind /sys instead',
  },
  { op: 'fsmount', errno: 'EPERM', text: 'this filesystem cannot be mounted in a user namespace' },
  { op: 'fsmount', errno: 'ENODEV', text: 'this kernel does not have the filesystem' },
  {
    op: 'fsmount',
    errno: 'EINVAL',
    when: hasLongOption,
    text: 'the kernel takes 255 bytes as the value of an option: use shorter paths',
  },
  {
    op: 'fsmount',
    errno: 'EINVAL',
    when: hasLayers,
    text: 'a lowerdir of more than 255 bytes needs Linux 6.7, which takes layers one by one: use shorter paths',
  },
  {
    op: 'fsmount',
    errno: 'EINVAL',
    when: hasIdOption,
    text: 'an option is unknown to the filesystem, or its uid= or gid= is not mapped',
  },
  { op: 'fsmount', errno: 'EINVAL', text: 'an option is unknown to the filesystem or has a bad value' },
  { op: 'fsmount', errno: 'ENOENT', text: 'the source does not exist' },
  { op: 'fsmount', errno: 'ENOTBLK', text: 'the source must be a block device' },
  { op: 'fsmount', errno: 'EBUSY', text: 'the device is mounted with other options already' },
  { op: 'open_tree', errno: 'ENOENT', text: 'create the source or remove the mount' },
  { op: 'open_tree', errno: 'EACCES', text: 'root of the user namespace may not walk to the source' },
  {
    op: 'open_tree',
    errno: 'EINVAL',
    text: 'the source is an unbindable mount, or belongs to another mount namespace',
  },
  {
    op: 'mount_setattr',
    errno: 'EPERM',
    text: 'the flag is locked: the source is mounted with it outside the user namespace',
  },
  { op: 'mount_setattr', errno: 'ENOSYS', text: 'needs Linux 5.12' },
  {
    op: 'set_propagation',
    errno: 'EINVAL',
    text: '/ is no mount point, as in a chroot: make it one with mount --bind and pivot_root',
  },
  {
    op: 'move_mount',
    errno: 'EROFS',
    text: 'the mount point is missing and the rootfs is read-only: create it in the image',
  },
  {
    op: 'move_mount',
    errno: 'ENOTDIR',
    text: 'a file can only be mounted on a file, a directory on a directory',
  },
  { op: 'move_mount', errno: 'ELOOP', text: 'the target must be a real directory, not a symbolic link' },
  { op: 'move_mount', errno: 'EXDEV', text: 'the target leaves the rootfs' },
  { op: 'move_mount', errno: 'ENOSPC', text: 'the limit of mounts is reached: /proc/sys/fs/mount-max' },
  { op: 'fspick', errno: 'EPERM', text: 'the filesystem belongs to a user namespace outside' },
  { op: 'fspick', errno: 'EINVAL', text: 'an option is unknown to the filesystem or cannot change' },
  { op: 'mkdir', errno: 'EROFS', text: 'the rootfs is read-only: create the directory in the image' },
  {
    op: 'mknod',
    errno: 'EPERM',
    text: 'the devices cgroup, or something else around tsrun, forbids to make this device: bind it from the host',
  },
  { op: 'mknod', errno: 'EROFS', text: 'the rootfs is read-only: mount a tmpfs on /dev' },
  { op: 'pivot_root', errno: 'EINVAL', text: 'the host runs from a ramdisk: use --no-pivot' },
  { op: 'open_console', errno: 'ENOENT', text: 'a terminal needs a devpts on /dev/pts: add it to mounts' },
  { op: 'loopback_up', errno: 'EPERM', text: 'tsrun lacks CAP_NET_ADMIN: join a network namespace instead' },
  { op: 'sethostname', errno: 'EPERM', text: 'the container needs a uts namespace of its own' },
  {
    op: 'setgroups',
    errno: 'EPERM',
    text: 'tsrun lacks CAP_SETGID, or setgroups is denied in this user namespace: remove additionalGids',
  },
  { op: 'setgroups', errno: 'EINVAL', text: notMapped },
  { op: 'setresgid', errno: 'EINVAL', text: notMapped },
  { op: 'setresuid', errno: 'EINVAL', text: notMapped },
  { op: 'setresuid', errno: 'EAGAIN', text: 'RLIMIT_NPROC of that user is reached' },
  { op: 'become_root', errno: 'EINVAL', text: 'uid 0 and gid 0 must be mapped' },
  {
    op: 'drop_bounding',
    errno: 'EPERM',
    text: 'to drop one takes CAP_SETPCAP, which tsrun lacks',
  },
  { op: 'capset', errno: 'EPERM', text: 'tsrun itself lacks one of these capabilities' },
  { op: 'chdir', errno: 'ENOENT', text: 'process.cwd must exist in the rootfs' },
  { op: 'chdir', errno: 'EACCES', text: 'the user may not enter process.cwd' },
  { op: 'seccomp', errno: 'EACCES', text: 'set process.noNewPrivileges, or run with CAP_SYS_ADMIN' },
  {
    op: 'seccomp_listen',
    errno: 'EBUSY',
    text: 'a filter around tsrun has a listener, and a process can have one only',
  },
  { op: 'seccomp_listen', errno: 'EACCES', text: 'set process.noNewPrivileges, or run with CAP_SYS_ADMIN' },
  { op: 'seccomp_listen', errno: 'EINVAL', text: 'this kernel lacks a flag of the profile' },
  { op: 'seccomp', errno: 'EINVAL', text: 'this kernel lacks a flag of the profile' },
  {
    op: 'seccomp',
    errno: 'ENOMEM',
    text: 'filters that tsrun runs under and this one are too long together',
  },
  {
    op: 'sched_setattr',
    errno: 'EPERM',
    text: 'it needs CAP_SYS_NICE on the host and, on cgroup v1, a real-time budget (resources.cpu.realtimeRuntime); a deadline also all CPUs',
  },
  {
    op: 'idmap_mount',
    errno: 'EINVAL',
    text: 'this filesystem cannot be id-mapped by this kernel, or its source is id-mapped already',
  },
  {
    op: 'idmap_mount',
    errno: 'EPERM',
    text: 'it takes the rights of the host over the filesystem: run as root',
  },
  {
    op: 'make_user_namespace',
    errno: 'EPERM',
    text: 'maps of mounts take the rights of the host: run as root',
  },
  { op: 'make_user_namespace', errno: 'EINVAL', text: 'ranges overlap, or there are more than 340' },
  { op: 'set_label', errno: 'ENOENT', text: 'no such profile is loaded' },
  { op: 'set_label', errno: 'EINVAL', text: 'the policy that is loaded does not know this label' },
  { op: 'set_label', errno: 'EACCES', text: 'the policy does not let tsrun change to this label' },
  { op: 'sched_setattr', errno: 'EINVAL', text: 'this kernel lacks the policy or one of its flags' },
  { op: 'sched_setattr', errno: 'EBUSY', text: 'the CPUs have not that much time left for deadlines' },
  {
    op: 'ioprio_set',
    errno: 'EPERM',
    text: 'IOPRIO_CLASS_RT needs CAP_SYS_ADMIN or CAP_SYS_NICE on the host',
  },
  {
    op: 'set_mempolicy',
    errno: 'EINVAL',
    text: 'nodes that this machine or the cpuset lacks, or flags that do not fit the mode',
  },
  { op: 'sched_setaffinity', errno: 'EINVAL', text: 'this machine, or the cpuset, has none of these CPUs' },
  { op: 'set_mempolicy', errno: 'ENOSYS', text: 'this kernel has no NUMA policies' },
  {
    op: 'exec',
    errno: 'ENOENT',
    text: "the program's interpreter is missing: its #! line or its ELF loader",
  },
  { op: 'exec', errno: 'ENOEXEC', text: 'neither a program for this machine nor a script with a #! line' },
  { op: 'exec', errno: 'EACCES', text: 'not executable for this user, or its filesystem is mounted noexec' },
  { op: 'exec', errno: 'E2BIG', text: 'process.args and process.env are too long' },
  { op: 'cgroup_write', errno: 'ENOENT', text: 'the controller is not there or not enabled' },
  { op: 'cgroup_write', errno: 'EINVAL', text: 'the kernel refuses this value' },
  { op: 'cgroup_write', errno: 'EBUSY', text: 'the cgroup uses more than that already' },
  { op: 'cgroup_create', errno: 'EROFS', text: 'the cgroup filesystem is read-only here' },
  {
    op: 'cgroup_create',
    errno: 'EACCES',
    text: 'the cgroup belongs to somebody else: set linux.cgroupsPath, or run as root',
  },
  { op: 'cgroup_join', errno: 'ENOSPC', text: 'the cpuset of the cgroup has no CPUs or no memory nodes' },
  {
    op: 'cgroup_join',
    errno: 'EBUSY',
    text: 'the cgroup has children with controllers: processes may not be beside them',
  },
  {
    op: 'write_id_map',
    errno: 'EPERM',
    text: "the host ids are not the caller's: see /etc/subuid and /etc/subgid",
  },
  { op: 'write_id_map', errno: 'EINVAL', text: 'ranges overlap, or there are more than 340' },
  { op: 'write_oom_score_adj', errno: 'EACCES', text: 'lowering the score needs CAP_SYS_RESOURCE' },
  {
    op: 'prlimit',
    errno: 'EPERM',
    text: 'raising a hard limit needs CAP_SYS_RESOURCE, and nothing exceeds /proc/sys/fs/nr_open',
  },
]

/** Advice for an op that failed with this errno, if there is any. */
export function hintFor(op: Op, errno: string, ops: readonly Op[]): string | undefined {
  for (const hint of hints()) {
    if (hint.op === op.op && hint.errno === errno && (hint.when === undefined || hint.when(op, ops)))
      return hint.text
  }
  if (errno === 'ENOSYS') return 'tsrun needs Linux 5.12, or a seccomp filter around it refuses the call'
  return undefined
}
