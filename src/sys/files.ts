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

export const archFlags = {
  x64: { directory: 0o200000, nofollow: 0o400000 },
  arm64: { directory: 0o40000, nofollow: 0o100000 },
} as const

export const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100

export const ENOENT = -2
export const EEXIST = -17

/** File system types, statfs(2). */
export const fsTypes = {
  cgroup: 0x27e0eb,
  cgroup2: 0x63677270,
  proc: 0x9fa0,
  tmpfs: 0x1021994,
  devpts: 0x1cd1,
} as const

const EFBIG = 27
/** Bytes at least that are read of a file: a config may be large, but /dev/zero has no end. */
export const MOST = 1 << 26

export const SCRATCH = 65536
let scratchBytes: Uint8Array | undefined
/** One buffer for all that is read or written by a single call: nothing keeps it over a call. */
export function scratch(): Uint8Array {
  scratchBytes ??= new Uint8Array(SCRATCH)
  return scratchBytes
}

export const quoted = (path: string): string => JSON.stringify(path)

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
export const GONE: ReadonlySet<number> = new Set([ENOENT, -20, -19, -3])

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
      if (length > MOST) {
        lib.close(fd)
        return -EFBIG
      }
      const bigger = new Uint8Array(into.length * 4)
      bigger.set(into)
      into = bigger
    }
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
