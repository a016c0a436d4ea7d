import { mountPoints } from '../host/mountinfo.js'
import { close, O, openPath, readFile, readLink, tryStat } from '../sys/files.js'
import { native } from '../sys/native.js'

const RESOLVE_NO_MAGICLINKS = 2
const RESOLVE_IN_ROOT = 0x10

export interface MountPoint {
  /** As the container sees it, without symbolic links. */
  readonly path: string
  readonly isDirectory: boolean
}

/**
 * Finds mount points of a container by paths of its config, whose links are followed as the container would. Returns undefined for a path
 * that is not there, or where nothing is mounted.
 */
export function mountPointsOf(pid: number): (path: string) => MountPoint | undefined {
  const points = mountPoints(readFile(`/proc/${pid}/mountinfo`))
  return path => {
    const root = openPath(`/proc/${pid}/root`)
    const fd = openIn(root, path)
    close(root)
    if (fd < 0) return undefined
    try {
      const own = `/proc/self/fd/${fd}`
      const status = tryStat(own)
      const real = readLink(own)
      if (status === undefined || points.get(status.mountId) !== real) return undefined
      return { path: real, isDirectory: (status.mode & 0o170000) === 0o040000 }
    } finally {
      close(fd)
    }
  }
}

/** openat2(2) with O_PATH; a negative errno where it fails. */
function openIn(root: number, path: string): number {
  const how = new Uint8Array(24)
  const view = new DataView(how.buffer)
  view.setUint32(0, O.PATH | O.CLOEXEC, true)
  view.setUint32(16, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, true)
  return native().openat2(root, path, how, how.length)
}
