/**
 * The one table of C functions that the TypeScript of tsrun may call. `sys/node.ts` binds its rows with koffi,
 * `make gen` turns the same rows into C glue for QuickJS (`shim/static/glue.gen.h`). Nothing else reaches the kernel.
 *
 * Every bound function returns a number: the C result, or the negated errno when C returned -1.
 * Argument kinds:
 *   int, uint, long, size   numbers (a JS number; 64 bit up to 2^53)
 *   str                     a JS string, passed as NUL-terminated UTF-8 (callers refuse embedded NULs)
 *   buf                     a Uint8Array or null, passed as its address; must stay alive for the call only
 *   ptr                     an address as a number (from `Native.alloc`), for structures that hold pointers
 * `nr` marks a raw system call that glibc or musl of the supported releases do not wrap; the numbers are those of
 * x86_64 and aarch64 (equal since 5.1, so one number is enough there).
 */
export type ArgKind = 'int' | 'uint' | 'long' | 'size' | 'str' | 'buf' | 'ptr'

export interface Prototype {
  readonly args: readonly ArgKind[]
  /** Raw system call: its number, or one per architecture. */
  readonly nr?: number | { readonly x64: number; readonly arm64: number }
  /** The C name, where it differs from the key. */
  readonly c?: string
  /** The C result, where it is not an int (raw system calls: long). */
  readonly ret?: 'uint' | 'long'
  /** posix_spawn(3) and its relatives return the errno instead of setting it. */
  readonly returnsErrno?: true
}

export const prototypes = {
  // files
  open: { args: ['str', 'int', 'uint'] },
  openat: { args: ['int', 'str', 'int', 'uint'] },
  /** Names that a container chose need not be UTF-8: with their NUL. */
  openatBytes: { args: ['int', 'buf', 'int', 'uint'], c: 'openat' },
  openat2: { args: ['int', 'str', 'buf', 'size'], nr: 437 },
  close: { args: ['int'] },
  read: { args: ['int', 'buf', 'size'], ret: 'long' },
  write: { args: ['int', 'buf', 'size'], ret: 'long' },
  pread: { args: ['int', 'buf', 'size', 'long'], ret: 'long' },
  fsync: { args: ['int'] },
  ftruncate: { args: ['int', 'long'] },
  fcntl: { args: ['int', 'int', 'long'] },
  dup3: { args: ['int', 'int', 'int'] },
  inotify_init1: { args: ['int'] },
  inotify_add_watch: { args: ['int', 'str', 'uint'] },
  flock: { args: ['int', 'int'] },
  mkdirat: { args: ['int', 'str', 'uint'] },
  mkfifoat: { args: ['int', 'str', 'uint'] },
  unlinkat: { args: ['int', 'str', 'int'] },
  unlinkatBytes: { args: ['int', 'buf', 'int'], c: 'unlinkat' },
  symlinkat: { args: ['str', 'int', 'str'] },
  readlinkat: { args: ['int', 'str', 'buf', 'size'], ret: 'long' },
  renameat2: { args: ['int', 'str', 'int', 'str', 'uint'], nr: { x64: 316, arm64: 276 } },
  fchmodat: { args: ['int', 'str', 'uint', 'int'] },
  fchownat: { args: ['int', 'str', 'uint', 'uint', 'int'] },
  faccessat: { args: ['int', 'str', 'int', 'int'] },
  statx: { args: ['int', 'str', 'int', 'uint', 'buf'], nr: { x64: 332, arm64: 291 } },
  statfs: { args: ['str', 'buf'] },
  fstatfs: { args: ['int', 'buf'] },
  getdents64: { args: ['int', 'buf', 'size'], nr: { x64: 217, arm64: 61 } },
  umount2: { args: ['str', 'int'] },
  chdir: { args: ['str'] },
  getcwd: { args: ['buf', 'size'], nr: { x64: 79, arm64: 17 } },
  umask: { args: ['uint'], ret: 'uint' },
  memfd_create: { args: ['str', 'uint'] },
  ioctl: { args: ['int', 'long', 'buf'] },
  isatty: { args: ['int'] },
  bpf: { args: ['int', 'buf', 'uint'], nr: { x64: 321, arm64: 280 } },
  // sockets and waiting
  socket: { args: ['int', 'int', 'int'] },
  socketpair: { args: ['int', 'int', 'int', 'buf'] },
  bind: { args: ['int', 'buf', 'uint'] },
  connect: { args: ['int', 'buf', 'uint'] },
  sendmsg: { args: ['int', 'ptr', 'int'], ret: 'long' },
  recvmsg: { args: ['int', 'ptr', 'int'], ret: 'long' },
  pipe2: { args: ['buf', 'int'] },
  eventfd: { args: ['uint', 'int'] },
  poll: { args: ['buf', 'long', 'int'] },
  // processes
  execve: { args: ['str', 'ptr', 'ptr'] },
  posix_spawn: { args: ['buf', 'str', 'buf', 'buf', 'ptr', 'ptr'], returnsErrno: true },
  posix_spawn_file_actions_init: { args: ['buf'], returnsErrno: true },
  posix_spawn_file_actions_adddup2: { args: ['buf', 'int', 'int'], returnsErrno: true },
  posix_spawn_file_actions_addchdir_np: { args: ['buf', 'str'], returnsErrno: true },
  posix_spawn_file_actions_destroy: { args: ['buf'], returnsErrno: true },
  posix_spawnattr_init: { args: ['buf'], returnsErrno: true },
  posix_spawnattr_setflags: { args: ['buf', 'int'], returnsErrno: true },
  posix_spawnattr_setsigdefault: { args: ['buf', 'buf'], returnsErrno: true },
  posix_spawnattr_setsigmask: { args: ['buf', 'buf'], returnsErrno: true },
  waitid: { args: ['int', 'uint', 'buf', 'int'] },
  kill: { args: ['int', 'int'] },
  setns: { args: ['int', 'int'] },
  pidfd_open: { args: ['int', 'uint'], nr: 434 },
  pidfd_send_signal: { args: ['int', 'int', 'buf', 'uint'], nr: 424 },
  prctl: { args: ['int', 'long', 'long', 'long', 'long'] },
  prlimit: { args: ['int', 'int', 'buf', 'buf'] },
  capget: { args: ['buf', 'buf'], nr: { x64: 125, arm64: 90 } },
  getpid: { args: [] },
  getppid: { args: [] },
  getuid: { args: [], ret: 'uint' },
  geteuid: { args: [], ret: 'uint' },
  getegid: { args: [], ret: 'uint' },
  uname: { args: ['buf'] },
  clock_gettime: { args: ['int', 'buf'] },
} as const satisfies Record<string, Prototype>

export type CallName = keyof typeof prototypes

interface KindType {
  int: number
  uint: number
  long: number
  size: number
  str: string
  buf: Uint8Array | null
  ptr: number
}
type ArgTypes<A extends readonly ArgKind[]> = { -readonly [I in keyof A]: KindType[A[I]] }

/** The bound functions: each returns its C result, or -errno. */
export type Calls = {
  readonly [K in CallName]: (...args: ArgTypes<(typeof prototypes)[K]['args']>) => number
}
