/** The mounts of a container that has no mount namespace of its own: they are in the runtime's, so `delete` has to undo them. */
import { SyscallError } from '../base/errors.js'
import { check } from '../sys/call.js'
import { close, openPath, readFile } from '../sys/files.js'
import { native } from '../sys/native.js'

const MNT_DETACH = 2
const ENOENT = 2

/** The id of the mount that a path leads to, as mountinfo has it. Throws SyscallError. */
export function mountAt(path: string): string {
  const fd = openPath(path)
  try {
    const info = readFile(`/proc/self/fdinfo/${fd}`)
    const start = info.indexOf('mnt_id:') + 'mnt_id:'.length
    return info.slice(start, info.indexOf('\n', start)).trim()
  } finally {
    close(fd)
  }
}

/** Detaches the container's root with all that is mounted in it, if it is there: `below` is what it covers. */
export function unmountRoot(rootfs: string, below: string): void {
  try {
    if (mountAt(rootfs) === below) return
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return
    throw error
  }
  check(native().umount2(rootfs, MNT_DETACH), 'umount2', () => `${JSON.stringify(rootfs)}, MNT_DETACH`)
}
