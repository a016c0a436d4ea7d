/**
 * The one table of operations that the shim can run. TypeScript types (`op.ts`), the encoder, the printer and the C header
 * `shim/ops.gen.h` (`make gen`) all come from it.
 *
 * A row: `code`, the number on the wire, never reused; `fields`, in wire order; `steps`, the names of the system calls or
 * stages that can fail, in the order of their numbers in a `failed` frame. An op that is one system call has its name.
 *
 * Field kinds:
 *   u32 i32 u64      numbers (u64: number or bigint)
 *   str              a string; `hostPath` is one in the host's mount namespace, `inRootPath` one that is resolved in root
 *   strs             a list of strings
 *   u32s             a list of numbers
 *   bytes            opaque bytes, 8-aligned
 *   slot             a named descriptor that an earlier op opened; newSlot: one that this op opens
 *   flags:T enum:T   names from a table of `flags.ts`
 *   X?               may be absent
 */
export const opcodes = {
  // ---- talking to the runtime -------------------------------------------------------------------------------------
  /** Tells the runtime that barrier `n` is reached and waits for its answer. Made by the encoder from runtime ops. */
  barrier: { code: 1, fields: { n: 'u32' }, steps: ['send', 'receive'] },
  /** Tells the runtime that all that can fail before `start` is done, and closes the report socket. */
  ready: { code: 2, fields: {}, steps: [] },

  // ---- namespaces -------------------------------------------------------------------------------------------------
  /** Opens a namespace file and checks its type (NS_GET_NSTYPE). All are opened before the first is joined. */
  open_namespace: {
    code: 10,
    fields: { slot: 'newSlot', path: 'hostPath', type: 'flags:namespaces' },
    steps: ['open', 'NS_GET_NSTYPE', 'compare type'],
  },
  setns: { code: 11, fields: { slot: 'slot', type: 'flags:namespaces' }, steps: ['setns'] },
  unshare: { code: 12, fields: { namespaces: 'flags:namespaces' }, steps: ['unshare'] },
  /** prctl(PR_SET_DUMPABLE): 1 only while the runtime writes id maps as an ordinary user. */
  set_dumpable: { code: 13, fields: { value: 'u32' }, steps: ['prctl'] },
  /**
   * Becomes root of a user namespace that was just mapped or joined. Its groups go where the kernel lets them, unless `keepGroups` is 1.
   */
  become_root: { code: 14, fields: { keepGroups: 'u32?' }, steps: ['setresgid', 'setresuid'] },
  /**
   * The helper clones init with CLONE_PARENT and these namespaces, reports `started` and ends. What follows is run by init.
   * With `cgroup`, an open directory of cgroup v2, init begins there (CLONE_INTO_CGROUP).
   */
  clone_init: {
    code: 15,
    fields: { namespaces: 'flags:namespaces', cgroup: 'slot?' },
    steps: ['clone3', 'send'],
  },
  setsid: { code: 16, fields: {}, steps: ['setsid'] },
  /** keyctl(KEYCTL_JOIN_SESSION_KEYRING), then search permission for the owner as runc grants it. */
  join_session_keyring: { code: 17, fields: { name: 'str' }, steps: ['join', 'describe', 'setperm'] },
  loopback_up: { code: 18, fields: {}, steps: ['socket', 'SIOCGIFFLAGS', 'SIOCSIFFLAGS'] },
  /**
   * The process moves itself into a v1 cgroup: writes 0 to the `tasks` file at `path`. A process that is moved by another waits
   * for an RCU grace period (7 to 20 ms where nothing else was moved just before), one thread that moves itself does not.
   */
  join_cgroup: { code: 19, fields: { path: 'hostPath' }, steps: ['open', 'write'] },

  // ---- files on the host, before the root changes -----------------------------------------------------------------
  /** Opens with O_PATH. */
  open_path: { code: 20, fields: { slot: 'newSlot', path: 'hostPath' }, steps: ['open'] },
  /** /proc/self/fd of the host's procfs (verified), through which `wait_start` reopens the exec fifo. */
  open_fd_directory: { code: 21, fields: { slot: 'newSlot' }, steps: ['open', 'fstatfs'] },
  /** A procfs of our own, attached nowhere, for writes that must not be redirected (CVE-2025-52881). */
  open_procfs: { code: 22, fields: { slot: 'newSlot' }, steps: ['fsopen', 'fsconfig', 'fsmount'] },
  /** Writes a file below a directory slot; every component must be real (RESOLVE_NO_SYMLINKS|NO_XDEV|BENEATH). */
  write_file: { code: 23, fields: { dir: 'slot', path: 'str', value: 'str' }, steps: ['open', 'write'] },

  // ---- mounts -----------------------------------------------------------------------------------------------------
  /** Propagation of a mount of the host's tree in the new mount namespace. */
  set_propagation: {
    code: 30,
    fields: { path: 'hostPath', propagation: 'enum:propagation', recursive: 'u32' },
    steps: ['mount_setattr'],
  },
  /** Makes the mount that holds `path` private, so that pivot_root is allowed and the root bind does not propagate. */
  make_parent_private: { code: 31, fields: { path: 'hostPath' }, steps: ['open', 'statx', 'mount_setattr'] },
  /** Binds the rootfs onto itself (pivot_root needs a mount point) and opens it as the root of all later targets. */
  open_root: {
    code: 32,
    fields: { slot: 'newSlot', path: 'hostPath' },
    steps: ['open', 'open_tree', 'move_mount'],
  },
  /** A new mount of a filesystem, attached nowhere yet. Options are `key=value` or `flag`. */
  fsmount: {
    code: 33,
    fields: { slot: 'newSlot', type: 'str', source: 'str?', options: 'strs', attrs: 'flags:mountAttr' },
    steps: ['fsopen', 'fsconfig', 'fsconfig create', 'fsmount'],
  },
  open_tree: {
    code: 34,
    fields: { slot: 'newSlot', path: 'hostPath', flags: 'flags:treeFlags', nofollow: 'u32' },
    steps: ['open_tree'],
  },
  /** Sets and clears attributes and propagation of the mount in a slot (AT_RECURSIVE when asked). */
  mount_setattr: {
    code: 35,
    fields: {
      slot: 'slot',
      set: 'flags:mountAttr',
      clear: 'flags:mountAttr',
      propagation: 'enum:propagation',
      recursive: 'u32',
    },
    steps: ['mount_setattr'],
  },
  /** Attaches the mount in a slot to a target in root, which is made (mode 0755, a file 0644... empty) when missing. */
  move_mount: {
    code: 36,
    fields: { slot: 'slot', root: 'slot', target: 'inRootPath', create: 'enum:create', links: 'enum:links' },
    steps: ['create target', 'open target', 'move_mount'],
  },
  /** Copies the directory that a tmpfs is about to cover into it (tmpcopyup): modes, owners, links, xattrs. */
  copy_up: {
    code: 37,
    fields: { slot: 'slot', root: 'slot', source: 'inRootPath' },
    steps: ['open source', 'copy'],
  },
  /** Opens the mount at a path in root, for `remount`. */
  open_target: { code: 38, fields: { slot: 'newSlot', root: 'slot', path: 'inRootPath' }, steps: ['open'] },
  /** Reconfigures the filesystem under a slot with new options (`remount` with data). */
  fspick: {
    code: 39,
    fields: { slot: 'slot', options: 'strs' },
    steps: ['fspick', 'fsconfig', 'fsconfig reconfigure'],
  },
  /** One directory (and its parents) in root, mode as given; an existing one is left alone. */
  mkdir: { code: 40, fields: { root: 'slot', path: 'inRootPath', mode: 'u32' }, steps: ['create'] },
  /** A device node or fifo in root; an existing node of the same kind and number is accepted, anything else is not. */
  mknod: {
    code: 41,
    fields: {
      root: 'slot',
      path: 'inRootPath',
      type: 'enum:nodeType',
      major: 'u32',
      minor: 'u32',
      mode: 'u32',
      uid: 'u32',
      gid: 'u32',
    },
    steps: ['create parent', 'mknod', 'compare', 'chown'],
  },
  symlink: {
    code: 42,
    fields: { root: 'slot', path: 'inRootPath', target: 'str' },
    steps: ['create parent', 'symlink'],
  },
  /** Hides a path: /dev/null (verified 1:3) over a file, an empty read-only tmpfs over a directory. Missing: skipped. */
  mask_path: {
    code: 43,
    fields: { root: 'slot', path: 'inRootPath' },
    steps: ['open target', 'open /dev/null', 'compare', 'tmpfs', 'move_mount'],
  },
  /** Makes a path read-only by a bind onto itself that keeps the other flags. Missing: skipped. */
  readonly_path: {
    code: 44,
    fields: { root: 'slot', path: 'inRootPath' },
    steps: ['open target', 'open_tree', 'mount_setattr', 'move_mount'],
  },
  /** chroot into the slot, in a mount namespace that is not the container's own. */
  enter_root: { code: 150, fields: { root: 'slot' }, steps: ['fchdir', 'chroot', 'chdir'] },
  /** pivot_root(".", ".") into the root slot; the old root is made rslave, detached, and left behind. */
  pivot_root: {
    code: 45,
    fields: { root: 'slot' },
    steps: ['fchdir', 'pivot_root', 'slave', 'umount', 'chdir'],
  },
  /** --no-pivot: procfs and sysfs mounts outside are removed, then the root is moved over / and chrooted into. */
  move_root: {
    code: 46,
    fields: { root: 'slot', path: 'hostPath' },
    steps: ['mountinfo', 'umount', 'cover', 'fchdir', 'move', 'chroot'],
  },

  // ---- terminal ---------------------------------------------------------------------------------------------------
  /**
   * A pty from the container's own devpts (verified): master to the runtime (frame `fd`), slave bound on /dev/console
   * and kept in the slot (CVE-2025-52565).
   */
  open_console: {
    code: 50,
    fields: { slot: 'newSlot', root: 'slot', rows: 'u32', columns: 'u32', console: 'u32' },
    steps: [
      'open ptmx',
      'fstatfs',
      'TIOCSPTLCK',
      'TIOCGPTPEER',
      'TIOCSWINSZ',
      'create /dev/console',
      'bind',
      'send',
    ],
  },
  /** The slot becomes the controlling terminal and descriptors 0, 1, 2. */
  use_console: { code: 51, fields: { slot: 'slot' }, steps: ['TIOCSCTTY', 'dup3'] },

  // ---- identity ---------------------------------------------------------------------------------------------------
  sethostname: { code: 60, fields: { name: 'str' }, steps: ['sethostname'] },
  setdomainname: { code: 61, fields: { name: 'str' }, steps: ['setdomainname'] },
  umask: { code: 62, fields: { mask: 'u32' }, steps: ['umask'] },
  set_no_new_privs: { code: 63, fields: {}, steps: ['prctl'] },
  /** PR_CAPBSET_DROP of every capability outside the mask, up to the kernel's last one. */
  drop_bounding: { code: 64, fields: { keep: 'u64', last: 'u32' }, steps: ['prctl'] },
  /** PR_SET_KEEPCAPS, so that the change of user keeps the permitted set for `capset`. */
  keep_capabilities: { code: 65, fields: {}, steps: ['prctl'] },
  setgroups: { code: 66, fields: { gids: 'u32s' }, steps: ['setgroups'] },
  setresgid: { code: 67, fields: { gid: 'u32' }, steps: ['setresgid'] },
  setresuid: { code: 68, fields: { uid: 'u32' }, steps: ['setresuid'] },
  capset: {
    code: 69,
    fields: { effective: 'u64', permitted: 'u64', inheritable: 'u64' },
    steps: ['capset'],
  },
  /** One PR_CAP_AMBIENT_RAISE each; only after capset. */
  raise_ambient: { code: 70, fields: { mask: 'u64' }, steps: ['clear', 'raise'] },
  /** fchown of the inherited descriptors 0-2, so that the user may reopen them; one of /dev/null becomes the container's own. */
  chown_stdio: { code: 71, fields: { uid: 'u32', gid: 'u32' }, steps: ['fstat', 'fchown'] },
  /** With `retry`: only when an earlier chdir failed with a tolerated errno (a home that only root or only the user may enter). */
  chdir: { code: 72, fields: { path: 'str', retry: 'u32' }, steps: ['chdir'] },
  /** getcwd must be inside the root (CVE-2024-21626). With `retry`: only after a chdir that was tried again. */
  check_cwd: { code: 73, fields: { retry: 'u32' }, steps: ['getcwd'] },
  seccomp: { code: 74, fields: { flags: 'flags:seccompFlags', program: 'bytes' }, steps: ['seccomp'] },
  /** `seccomp` with SECCOMP_FILTER_FLAG_NEW_LISTENER: the listener goes to the runtime (frame `fd`), and closes at exec. */
  seccomp_listen: {
    code: 128,
    fields: { listener: 'newSlot', flags: 'flags:seccompFlags', program: 'bytes' },
    steps: ['seccomp', 'send'],
  },
  /** Looks HOME up in the container's /etc/passwd (strictly by number, CVE-2016-3697) for `exec`; `/` without an entry. */
  find_home: { code: 75, fields: { uid: 'u32' }, steps: ['open', 'read'] },
  /** Finds the program in the container's PATH as execvp does, at create, so that a missing one fails there. */
  find_executable: { code: 76, fields: { name: 'str', path: 'str' }, steps: ['access', 'is a directory'] },

  // ---- the end ----------------------------------------------------------------------------------------------------
  /** Waits until `start` opens the exec fifo. From here failures go to it as `failed` frames; exec closes it. */
  wait_start: { code: 80, fields: { fifo: 'slot', fds: 'slot' }, steps: ['open'] },
  /**
   * Runs a hook in the namespaces of who runs it, with the state on its stdin: `before` + pid + `after`, where the pid is init's
   * own, and nothing in the monitor. `timeout` is in seconds, 0 without one.
   */
  run_hook: {
    code: 81,
    fields: {
      path: 'str',
      args: 'strs',
      env: 'strs',
      timeout: 'u32',
      before: 'str',
      after: 'str',
    },
    steps: ['memfd', 'fork', 'exec', 'wait', 'exit status', 'signal', 'timeout'],
  },
  /** The file that hooks append their output of this stream (1 or 2) to, from now on. Made when it is missing, for its owner alone. */
  open_hook_output: { code: 152, fields: { stream: 'u32', path: 'hostPath' }, steps: ['open'] },
  /** Descriptors from `first` on get CLOEXEC: nothing of ours survives exec, and seccomp need not allow close_range. */
  close_on_exec: { code: 82, fields: { first: 'u32' }, steps: ['close_range'] },
  exec: { code: 83, fields: { args: 'strs', env: 'strs' }, steps: ['execve'] },
  /** Ends well: the last op of a plan that only prepares something. */
  exit: { code: 140, fields: {}, steps: [] },

  // ---- the monitor of a foreground run: what the runtime becomes while the container lives ---------------------------
  /**
   * Forwards signals to init (not SIGCHLD, SIGURG; SIGWINCH resizes), relays the terminal whose master is descriptor
   * `console`, reaps every child until init `pid` has ended, restores the terminal, keeps init's status.
   */
  supervise: {
    code: 90,
    fields: { pid: 'u32', console: 'u32?' },
    steps: ['pidfd_open', 'terminal', 'poll', 'waitid'],
  },
  /**
   * Stands before `supervise` (and the hooks of poststart): begins its work, then releases init through the exec fifo, waits for
   * its exec and removes the fifo. When that or an op before `supervise` fails, init is killed and `args` executed with one more
   * argument: `init:` or `monitor:` (whose ops the index counts) and the `failed` frame in hex, empty for a silent death. With `says`
   * (1) they are also run, the same way, for what a hook printed that did not fail: a `said` frame.
   */
  release: {
    code: 96,
    fields: { pid: 'u32', console: 'u32?', fifo: 'hostPath', says: 'u32', args: 'strs', env: 'strs' },
    steps: ['pidfd_open', 'terminal', 'poll', 'waitid', 'open', 'read', 'execve'],
  },
  /**
   * Before `supervise`: passes the container's READY= of sd_notify(3), which comes to the socket `listener`, on to the caller's, with this
   * process as MAINPID. There is no barrier: who tells it stays.
   */
  notify: { code: 141, fields: { listener: 'u32', host: 'str' }, steps: [] },
  /** rmdir of a cgroup that only holds the dead: retried while EBUSY, one second at most, and not after a failure; missing is fine. */
  remove_cgroup: { code: 91, fields: { path: 'hostPath' }, steps: ['rmdir'] },
  remove_file: { code: 92, fields: { path: 'hostPath' }, steps: ['unlink'] },
  remove_directory: { code: 93, fields: { path: 'hostPath' }, steps: ['rmdir'] },
  /** When an op since `supervise` failed: runs this program (the full `delete --force`) and waits for it. */
  clean_up_after_failure: { code: 94, fields: { args: 'strs', env: 'strs' }, steps: ['fork', 'execve'] },
  /** Runs this program (the full `delete --force`) and waits for it: what is left is not the monitor's to take away. */
  clean_up: { code: 130, fields: { args: 'strs', env: 'strs' }, steps: ['fork', 'execve'] },
  /**
   * Has systemd stop a scope whose processes have ended: sends the first bytes of `message` to its own socket, when that has answered
   * those up to `length`, and waits one second at most until the scope's cgroup is gone. One that is gone already took its unit along.
   */
  stop_unit: {
    code: 153,
    fields: { cgroup: 'hostPath', socket: 'hostPath', message: 'bytes', first: 'u32', length: 'u32' },
    steps: ['socket', 'connect', 'send', 'poll'],
  },
  /**
   * When the line `oom_kill` of this file does not say 0: runs this program and waits for it. A missing file (systemd has removed the
   * cgroup) tells nothing: then it is run for an init that ended as the kernel ends it.
   */
  report_oom: {
    code: 135,
    fields: { file: 'hostPath', args: 'strs', env: 'strs' },
    steps: ['open', 'read', 'fork', 'execve'],
  },
  /** Ends with init's exit code, or 128 + its signal. */
  exit_like_init: { code: 95, fields: {}, steps: [] },

  // ---- exec: another process of a container that runs ---------------------------------------------------------------
  /**
   * Joins these namespaces of a process, all or none, by a pidfd (5.8): in the kernel's own order, and never half of a process
   * that ended meanwhile. The root and the working directory are those of its mount namespace then.
   */
  join_process: {
    code: 100,
    fields: { pid: 'u32', namespaces: 'flags:namespaces' },
    steps: ['pidfd_open', 'setns'],
  },
  /**
   * `release` for exec: the process waits at barrier `n` of the socket `report`, and its exec closes its end. A failure before that
   * executes `args` like there.
   */
  release_exec: {
    code: 101,
    fields: { pid: 'u32', console: 'u32?', report: 'u32', n: 'u32', args: 'strs', env: 'strs' },
    steps: ['pidfd_open', 'terminal', 'poll', 'waitid', 'send', 'read', 'execve'],
  },

  // ---- scheduling ---------------------------------------------------------------------------------------------------
  /** Times are nanoseconds. */
  sched_setattr: {
    code: 120,
    fields: {
      policy: 'enum:schedPolicy',
      nice: 'i32',
      priority: 'u32',
      flags: 'flags:schedFlags',
      runtime: 'u64',
      deadline: 'u64',
      period: 'u64',
    },
    steps: ['sched_setattr'],
  },
  /** Of the whole process group. */
  ioprio_set: { code: 121, fields: { class: 'enum:ioClass', priority: 'u32' }, steps: ['ioprio_set'] },
  /** `nodes` is a mask of whole 64-bit words, little-endian. */
  set_mempolicy: {
    code: 122,
    fields: { mode: 'enum:memoryMode', flags: 'flags:memoryFlags', nodes: 'bytes' },
    steps: ['set_mempolicy'],
  },
  /** `cpus` is a mask of whole 64-bit words, little-endian. */
  sched_setaffinity: { code: 151, fields: { cpus: 'bytes' }, steps: ['sched_setaffinity'] },
  personality: { code: 123, fields: { domain: 'enum:domain' }, steps: ['personality'] },

  // ---- idmapped mounts ----------------------------------------------------------------------------------------------
  /** A user namespace with these maps (lines of uid_map and gid_map), made by a child that ends at once, and kept open. */
  make_user_namespace: {
    code: 126,
    fields: { slot: 'newSlot', uid: 'str', gid: 'str' },
    steps: ['clone', 'write uid_map', 'write gid_map', 'open'],
  },
  /** Maps the ids of a mount that is attached nowhere yet, by a user namespace (5.12). */
  idmap_mount: {
    code: 127,
    fields: { slot: 'slot', namespace: 'slot', recursive: 'u32' },
    steps: ['mount_setattr'],
  },

  // ---- labels -------------------------------------------------------------------------------------------------------
  /** Writes an attribute of init itself in a procfs of our own. An empty label takes one back. */
  set_label: {
    code: 124,
    fields: { proc: 'slot', attribute: 'enum:attribute', label: 'str' },
    steps: ['open', 'write'],
  },
  /** security.selinux of the root of a new mount. */
  label_root: { code: 125, fields: { slot: 'slot', label: 'str' }, steps: ['open', 'fsetxattr'] },
} as const satisfies Record<string, OpRow>

export interface OpRow {
  readonly code: number
  readonly fields: Readonly<Record<string, string>>
  readonly steps: readonly string[]
}

export type OpName = keyof typeof opcodes
