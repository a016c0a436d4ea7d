/** Directories by path: making, removing, listing. Nothing here is for paths inside a container's root: those belong to the shim. */
import { check, syscallError } from './call.js'
import { AT_FDCWD, archFlags, EEXIST, ENOENT, GONE, O, quoted, SCRATCH, scratch } from './files.js'
import { native } from './native.js'

const AT_REMOVEDIR = 0x200

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
