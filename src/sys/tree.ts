/**
 * Trees of directories that a container made, below a cgroup of its own that it may write: names of any bytes, and deeper than a path can
 * tell. Walked by descriptor, with one at a time.
 */
import { check } from './call.js'
import { AT_FDCWD, archFlags, GONE, O, quoted, SCRATCH, scratch } from './files.js'
import { native } from './native.js'

const AT_REMOVEDIR = 0x200
const DT_DIR = 4
const DOT = 46

/** The directories in an open one but `.` and `..`: their names, each with its NUL. */
function childrenOf(fd: number): Uint8Array[] {
  const lib = native()
  const into = scratch()
  const view = new DataView(into.buffer, into.byteOffset, SCRATCH)
  const names: Uint8Array[] = []
  for (;;) {
    const n = lib.getdents64(fd, into, SCRATCH)
    // Removed meanwhile: it has none any more.
    if (n <= 0) return names
    // struct linux_dirent64: u64 inode, u64 offset, u16 record length, u8 type, the name with its NUL.
    for (let at = 0; at < n; at += view.getUint16(at + 16, true)) {
      if (into[at + 18] !== DT_DIR) continue
      let end = at + 19
      while (into[end] !== 0) end++
      const isDot = into[at + 19] === DOT && (end === at + 20 || (end === at + 21 && into[at + 20] === DOT))
      if (!isDot) names.push(into.slice(at + 19, end + 1))
    }
  }
}

/** What to do with each directory: `enter` before those below it, `leave` behind them, with its parent. */
interface Visitor {
  readonly enter?: (fd: number) => void
  readonly leave?: (parent: number, name: Uint8Array) => void
}

/** Walks a directory and all below it. One that is gone is fine. Throws SyscallError. */
export function walk(path: string, { enter, leave }: Visitor): void {
  const lib = native()
  const flags = O.RDONLY | O.CLOEXEC | archFlags[lib.arch].directory | archFlags[lib.arch].nofollow
  let fd = lib.open(path, flags, 0)
  if (GONE.has(fd)) return
  check(fd, 'open', () => quoted(path))
  // What is left to do on each level, by the directory's name.
  const levels: { readonly name: Uint8Array | undefined; readonly todo: Uint8Array[] }[] = []
  const arrive = (name?: Uint8Array): void => {
    levels.push({ name, todo: childrenOf(fd) })
    enter?.(fd)
  }
  try {
    arrive()
    for (;;) {
      const level = levels[levels.length - 1]
      const name = level?.todo.pop()
      if (level !== undefined && name !== undefined) {
        const below = lib.openatBytes(fd, name, flags, 0)
        if (below < 0) continue
        lib.close(fd)
        fd = below
        arrive(name)
        continue
      }
      levels.pop()
      if (level?.name === undefined) return
      // A cgroup stays below its parent as long as it is.
      const parent = check(lib.openat(fd, '..', flags, 0), 'open', () => `${quoted(path)}/…/..`)
      lib.close(fd)
      fd = parent
      leave?.(fd, level.name)
    }
  } finally {
    lib.close(fd)
  }
}

/** Removes the directories below one, and it, as far as they can be. Returns 0 or -errno of the last. */
export function removeDirectories(path: string): number {
  const lib = native()
  walk(path, { leave: (parent, name) => lib.unlinkatBytes(parent, name, AT_REMOVEDIR) })
  return lib.unlinkat(AT_FDCWD, path, AT_REMOVEDIR)
}
