/**
 * Files by path, one thing after another, on the C table. Every descriptor is CLOEXEC and closed before a function returns
 * or throws. Nothing here is for paths inside a container's root: those belong to the shim.
 */
import { check, syscallError } from './call.js'
import { type Native, native } from './native.js'

/** open(2) flags that are the same on x86_64 and aarch64; O_DIRECTORY and O_NOFOLLOW are not. */
export const O = {
  RDONLY: 0,
  WRONLY: 0o1,
  RDWR: 0o2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const

const archFlags = {
  x64: { directory: 0o200000, nofollow: 0o400000 },
  arm64: { directory: 0o40000, nofollow: 0o100000 },
} as const

export const AT_FDCWD = -100
const AT_REMOVEDIR = 0x200
const AT_SYMLINK_NOFOLLOW = 0x100

const ENOENT = -2
const EEXIST = -17

/** File system types, statfs(2). */
export const fsTypes = {
  cgroup: 0x27e0eb,
  cgroup2: 0x63677270,
  proc: 0x9fa0,
  tmpfs: 0x1021994,
  devpts: 0x1cd1,
} as const

const SCRATCH = 65536
let scratchBytes: Uint8Array | undefined
/** One buffer for all that is read or written by a single call: nothing keeps it over a call. */
function scratch(): Uint8Array {
  scratchBytes ??= new Uint8Array(SCRATCH)
  return scratchBytes
}

const quoted = (path: string): string => JSON.stringify(path)

/** Opens with O_CLOEXEC. Throws SyscallError. */
export function openFile(path: string, flags: number, mode = 0): number {
  return check(native().open(path, flags | O.CLOEXEC, mode), 'open', () => quoted(path))
}

/** Opens with O_PATH: a handle that reads nothing. `nofollow` opens a symbolic link itself. */
export function openPath(path: string, nofollow = false): number {
  return openFile(path, nofollow ? O.PATH | archFlags[native().arch].nofollow : O.PATH)
}

/** Opens a directory for reading. */
export function openDirectory(path: string): number {
  return openFile(path, O.RDONLY | archFlags[native().arch].directory)
}

export function close(fd: number): void {
  native().close(fd)
}

/** All bytes of a file. Throws SyscallError. */
export function readBytes(path: string): Uint8Array {
  const bytes = read(native(), path)
  if (typeof bytes === 'number') throw syscallError(-bytes, 'read', quoted(path))
  return bytes.slice()
}

/** A file as text (UTF-8). Throws SyscallError. */
export function readFile(path: string): string {
  const lib = native()
  const bytes = read(lib, path)
  if (typeof bytes === 'number') throw syscallError(-bytes, 'open', quoted(path))
  return lib.utf8Read(bytes, 0, bytes.length)
}

/** Like `readFile`, but undefined where there is no such file (or its cgroup or process has just gone). */
export function tryRead(path: string): string | undefined {
  const lib = native()
  const bytes = read(lib, path)
  if (typeof bytes !== 'number') return lib.utf8Read(bytes, 0, bytes.length)
  if (GONE.has(bytes)) return undefined
  throw syscallError(-bytes, 'open', quoted(path))
}

/** ENOENT, ENOTDIR; ENODEV: a cgroup that was removed while open; ESRCH: a process that ended. */
const GONE: ReadonlySet<number> = new Set([ENOENT, -20, -19, -3])

/** The content as a view into scratch (or a bigger buffer), or -errno. Small files cost open, read, read, close. */
function read(lib: Native, path: string): Uint8Array | number {
  const fd = lib.open(path, O.CLOEXEC, 0)
  if (fd < 0) return fd
  let into = scratch()
  let length = 0
  for (;;) {
    const n = lib.read(fd, length === 0 ? into : into.subarray(length), into.length - length)
    if (n <= 0) {
      lib.close(fd)
      return n < 0 ? n : into.subarray(0, length)
    }
    length += n
    if (length === into.length) {
      const bigger = new Uint8Array(into.length * 4)
      bigger.set(into)
      into = bigger
    }
  }
}

/**
 * A file of the kernel that one read(2) gives whole (a cgroup knob, /proc/self/cgroup, /proc/PID/stat: single records of
 * the kernel's seq_file): open, read, close. Undefined where there is no such file, cgroup or process.
 */
export function readKernelFile(path: string): string | undefined {
  const lib = native()
  const fd = lib.open(path, O.CLOEXEC, 0)
  const into = scratch()
  const n = fd < 0 ? fd : lib.read(fd, into, SCRATCH)
  if (fd >= 0) lib.close(fd)
  if (n >= 0) return lib.utf8Read(into, 0, n)
  if (GONE.has(n)) return undefined
  throw syscallError(-n, fd < 0 ? 'open' : 'read', quoted(path))
}

/** Why a file of the kernel was not written: at the open, or at the value with this index. */
export interface WriteFailure {
  /** Positive. */
  readonly errno: number
  readonly index: number
}

/**
 * Writes a file of the kernel: open, one write(2) for each value, close; never creates. Returns what failed, the values
 * after it unwritten, or undefined.
 */
export function tryWriteKernelFile(path: string, values: readonly string[]): WriteFailure | undefined {
  const lib = native()
  const fd = lib.open(path, O.WRONLY | O.CLOEXEC, 0)
  if (fd < 0) return { errno: -fd, index: 0 }
  const bytes = scratch()
  let failure: WriteFailure | undefined
  try {
    for (let index = 0; index < values.length && failure === undefined; index++) {
      // Throws for a value of more than 64 KiB: no file of the kernel takes one.
      const length = lib.utf8Write(values[index] as string, bytes, 0)
      const n = lib.write(fd, bytes, length)
      if (n < 0) failure = { errno: -n, index }
    }
  } finally {
    lib.close(fd)
  }
  return failure
}

/** Writes one value into a file of the kernel. Throws SyscallError. */
export function writeKernelFile(path: string, value: string): void {
  const failure = tryWriteKernelFile(path, [value])
  if (failure !== undefined) {
    throw syscallError(failure.errno, 'write', `${quoted(path)}, ${quoted(value)}`)
  }
}

/** Creates or replaces a file; `mode` goes through the umask. Throws SyscallError. */
export function writeFile(path: string, text: string, mode = 0o644): void {
  writeAll(path, text, openFile(path, O.WRONLY | O.CREAT | O.TRUNC, mode))
}

/**
 * Replaces a file so that readers see the old or the new one, whole: writes `.NAME.PID` beside it, then renames.
 * Throws SyscallError and leaves the old file as it was.
 */
export function writeFileAtomic(path: string, text: string, mode = 0o644): void {
  const lib = native()
  const slash = path.lastIndexOf('/') + 1
  const temporary = `${path.slice(0, slash)}.${path.slice(slash)}.${lib.getpid()}`
  const flags = O.WRONLY | O.CREAT | O.EXCL
  let fd = lib.open(temporary, flags | O.CLOEXEC, mode)
  if (fd === EEXIST) {
    // Left by a runtime that was killed and had our pid.
    unlink(temporary)
    fd = openFile(temporary, flags, mode)
  }
  check(fd, 'open', () => quoted(temporary))
  try {
    writeAll(temporary, text, fd)
    const result = lib.renameat2(AT_FDCWD, temporary, AT_FDCWD, path, 0)
    check(result, 'rename', () => `${quoted(temporary)}, ${quoted(path)}`)
  } catch (error) {
    lib.unlinkat(AT_FDCWD, temporary, 0)
    throw error
  }
}

/** Writes all of the text and closes the descriptor, also on failure. */
function writeAll(path: string, text: string, fd: number): void {
  const lib = native()
  // A UTF-16 unit becomes three bytes at most.
  const room = text.length * 3
  const bytes = room <= SCRATCH ? scratch() : new Uint8Array(room)
  const length = lib.utf8Write(text, bytes, 0)
  let done = 0
  while (done < length) {
    const n = lib.write(fd, bytes.subarray(done, length), length - done)
    if (n < 0) {
      lib.close(fd)
      throw syscallError(-n, 'write', quoted(path))
    }
    done += n
  }
  check(lib.close(fd), 'close', () => quoted(path))
}

/** Whether something is there (a symbolic link is followed). */
export function exists(path: string): boolean {
  return native().faccessat(AT_FDCWD, path, 0, 0) === 0
}

const W_OK = 2

/** Whether this process may make something in a directory, as far as permissions and the mount say. */
export function writable(path: string): boolean {
  return native().faccessat(AT_FDCWD, path, W_OK, 0) === 0
}

/** Makes one directory; `mode` goes through the umask. Throws SyscallError, on EEXIST too. */
export function mkdir(path: string, mode = 0o755): void {
  check(native().mkdirat(AT_FDCWD, path, mode), 'mkdir', () => `${quoted(path)}, 0${mode.toString(8)}`)
}

/**
 * Makes a directory and the parents that it misses; an existing one is fine. Adds those that it made to `made`, parents
 * first, and returns whether `path` itself is new. Throws SyscallError.
 */
export function mkdirs(path: string, mode = 0o755, made?: string[]): boolean {
  const lib = native()
  let result = lib.mkdirat(AT_FDCWD, path, mode)
  // A parent may vanish between its mkdir and ours: another container that was removed shared it.
  for (let tries = 0; result === ENOENT && tries < 10; tries++) {
    const parent = parentOf(path)
    if (parent === path) break
    mkdirs(parent, mode, made)
    result = lib.mkdirat(AT_FDCWD, path, mode)
  }
  if (result === EEXIST) return false
  check(result, 'mkdir', () => `${quoted(path)}, 0${mode.toString(8)}`)
  made?.push(path)
  return true
}

/** The directory that holds `path`; that of `/` and of a bare name is `/` and `.`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash > 0) return path.slice(0, slash)
  return slash === 0 ? '/' : '.'
}

/** Removes a directory. Returns 0 or -errno: callers differ in what they forgive. */
export function tryRmdir(path: string): number {
  return native().unlinkat(AT_FDCWD, path, AT_REMOVEDIR)
}

/** Removes an empty directory; a missing one is fine. Throws SyscallError. */
export function rmdir(path: string): void {
  const result = tryRmdir(path)
  if (result !== ENOENT) check(result, 'rmdir', () => quoted(path))
}

/** Removes a file; a missing one is fine. Throws SyscallError. */
export function unlink(path: string): void {
  const result = native().unlinkat(AT_FDCWD, path, 0)
  if (result !== ENOENT) check(result, 'unlink', () => quoted(path))
}

/** Where a symbolic link points; undefined when it is none, or may not be read. */
export function tryReadLink(path: string): string | undefined {
  const lib = native()
  const into = scratch()
  const n = lib.readlinkat(AT_FDCWD, path, into, SCRATCH)
  return n < 0 ? undefined : lib.utf8Read(into, 0, n)
}

/** Where a symbolic link points. Throws SyscallError. */
export function readLink(path: string): string {
  const lib = native()
  const into = scratch()
  const n = check(lib.readlinkat(AT_FDCWD, path, into, SCRATCH), 'readlink', () => quoted(path))
  return lib.utf8Read(into, 0, n)
}

/** The type of the file system that holds `path` (see `fsTypes`), 0 where it cannot be had. */
export function statfsType(path: string): number {
  const into = scratch()
  if (native().statfs(path, into) < 0) return 0
  return new DataView(into.buffer).getUint32(into.byteOffset, true)
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
}

const DT_DIR = 4

/** The entries of a directory but `.` and `..`, in the kernel's order. Undefined where there is none. */
export function tryListDirectory(path: string): DirectoryEntry[] | undefined {
  const lib = native()
  const fd = lib.open(path, O.CLOEXEC | archFlags[lib.arch].directory, 0)
  if (GONE.has(fd)) return undefined
  check(fd, 'open', () => quoted(path))
  const into = scratch()
  const view = new DataView(into.buffer, into.byteOffset, SCRATCH)
  const entries: DirectoryEntry[] = []
  for (;;) {
    const n = lib.getdents64(fd, into, SCRATCH)
    if (n <= 0) {
      lib.close(fd)
      if (n < 0 && !GONE.has(n)) throw syscallError(-n, 'getdents64', quoted(path))
      return entries
    }
    // struct linux_dirent64: u64 inode, u64 offset, u16 record length, u8 type, the name with its NUL.
    for (let at = 0; at < n; at += view.getUint16(at + 16, true)) {
      let end = at + 19
      while (into[end] !== 0) end++
      const name = lib.utf8Read(into, at + 19, end)
      if (name !== '.' && name !== '..') entries.push({ name, isDirectory: into[at + 18] === DT_DIR })
    }
  }
}

/** Like `tryListDirectory`, but a missing directory is a SyscallError. */
export function listDirectory(path: string): DirectoryEntry[] {
  const entries = tryListDirectory(path)
  if (entries === undefined) throw syscallError(-ENOENT, 'open', quoted(path))
  return entries
}

export interface FileStatus {
  /** Type and permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly inode: bigint
  /** Device number of the file system, major * 2^20 + minor. */
  readonly device: number
  /** Of a device node. */
  readonly major: number
  readonly minor: number
  readonly size: number
  /** Id of the mount (Linux 5.8), as in mountinfo. */
  readonly mountId: number
}

const STATX_BASIC_STATS = 0x7ff
const STATX_MNT_ID = 0x1000
const STATX_SIZE = 256

/** What statx(2) says of a path, undefined where there is nothing. Links are followed unless `nofollow`. */
export function tryStat(path: string, nofollow = false): FileStatus | undefined {
  const into = scratch()
  const flags = nofollow ? AT_SYMLINK_NOFOLLOW : 0
  const result = native().statx(AT_FDCWD, path, flags, STATX_BASIC_STATS | STATX_MNT_ID, into)
  if (GONE.has(result)) return undefined
  check(result, 'statx', () => quoted(path))
  const view = new DataView(into.buffer, into.byteOffset, STATX_SIZE)
  return {
    mode: view.getUint16(28, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    inode: view.getBigUint64(32, true),
    size: Number(view.getBigUint64(40, true)),
    major: view.getUint32(128, true),
    minor: view.getUint32(132, true),
    device: view.getUint32(136, true) * 0x100000 + view.getUint32(140, true),
    mountId: Number(view.getBigUint64(144, true)),
  }
}
