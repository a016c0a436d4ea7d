/** One line of /proc/PID/mountinfo, the fields that are asked for. */
export interface Mount {
  /** The directory of the file system that is mounted. */
  readonly root: string
  readonly mountPoint: string
  readonly type: string
  /** Options of the file system: for cgroup v1 the controllers. */
  readonly options: readonly string[]
}

/**
 * The mounts of some file system types, in the kernel's order (a later one may cover an earlier one). The others are skipped
 * unparsed: a busy host has thousands of lines. Layout, proc(5): `36 35 98:0 /root /point opts tags… - type source super`.
 */
export function mountsOfTypes(mountinfo: string, types: readonly string[]): Mount[] {
  const mounts: Mount[] = []
  let start = 0
  while (start < mountinfo.length) {
    const newline = mountinfo.indexOf('\n', start)
    const end = newline < 0 ? mountinfo.length : newline
    const line = mountinfo.slice(start, end)
    start = end + 1
    const dash = line.indexOf(' - ')
    if (dash < 0) continue
    const typeEnd = line.indexOf(' ', dash + 3)
    const type = line.slice(dash + 3, typeEnd)
    if (!types.includes(type)) continue
    const before = line.slice(0, dash).split(' ')
    mounts.push({
      root: unescapePath(before[3] ?? ''),
      mountPoint: unescapePath(before[4] ?? ''),
      type,
      options: line.slice(line.lastIndexOf(' ') + 1).split(','),
    })
  }
  return mounts
}

/** Where each mount is, by its id (that of statx). */
export function mountPoints(mountinfo: string): Map<number, string> {
  const points = new Map<number, string>()
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ')
    if (fields.length > 4) points.set(Number(fields[0]), unescapePath(fields[4] as string))
  }
  return points
}

/** Undoes the kernel's escapes: blank, tab, newline and backslash as three octal digits. */
export function unescapePath(text: string): string {
  if (!text.includes('\\')) return text
  let path = ''
  for (let i = 0; i < text.length; i++) {
    const code = text[i] === '\\' ? Number.parseInt(text.slice(i + 1, i + 4), 8) : Number.NaN
    if (Number.isNaN(code)) {
      path += text[i]
    } else {
      path += String.fromCharCode(code)
      i += 3
    }
  }
  return path
}
