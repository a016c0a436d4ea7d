import { ConfigError, HostError } from '../../base/errors.js'
import type { CgroupHost, CgroupPaths, Hierarchy } from '../../host/cgroup.js'

const FIELD = '/linux/cgroupsPath'

/**
 * The container's cgroup in every hierarchy. `cgroupsPath` absolute: below the mount; relative: below the runtime's own
 * cgroup (on v2 beside it: a cgroup with processes may not hand controllers to children); empty or absent: `/<id>`, of a user below what
 * was delegated to it, without the hierarchies where that is nothing (as runc does).
 * Throws ConfigError, and HostError where no cgroup file system is mounted.
 */
export function cgroupPaths(host: CgroupHost, cgroupsPath: string | undefined, id: string): CgroupPaths {
  if (host.mode === 'none') throw notMounted()
  const asked = cgroupsPath === undefined || cgroupsPath === '' ? `/${id}` : cgroupsPath
  const relative = !asked.startsWith('/')
  if (relative && asked.split(':').length === 3) {
    throw new ConfigError(
      FIELD,
      'cgroups-path-systemd',
      `${JSON.stringify(asked)} is a path for systemd (slice:prefix:name): pass --systemd-cgroup, or give a path like /${id}`,
    )
  }
  // A relative path is cleaned as if it began at the root: `..` never leads above the runtime's own cgroup.
  const path = clean(asked)
  if (path === '/') {
    throw new ConfigError(
      FIELD,
      'cgroups-path-root',
      `${JSON.stringify(asked)} is the root cgroup, which is not for a container: give a path like /${id}`,
    )
  }
  const given = cgroupsPath !== undefined && cgroupsPath !== ''
  const place = (it: Hierarchy, base: string): string | undefined => {
    if (given || it.closed !== true) return it.mount + (relative ? join(base, path) : path)
    return it.delegated === undefined ? undefined : it.mount + it.delegated + path
  }
  const v1: Record<string, string> = {}
  for (const controller in host.v1) {
    const hierarchy = host.v1[controller] as Hierarchy
    const directory = place(hierarchy, hierarchy.own)
    if (directory !== undefined) v1[controller] = directory
  }
  if (host.v2 === undefined) return { v1 }
  const { own } = host.v2
  const v2 = place(host.v2, host.mode === 'v2' ? own.slice(0, own.lastIndexOf('/')) : own)
  return v2 === undefined ? { v1 } : { v1, v2 }
}

/** Where a container's cgroups come from, for messages. */
export const originOf = (cgroupsPath: string | undefined): string =>
  cgroupsPath === undefined ? 'default:cgroupsPath' : FIELD

/** The cgroups of a systemd unit, at the same place in every hierarchy. Throws HostError where no cgroup file system is mounted. */
export function unitPaths(host: CgroupHost, path: string): CgroupPaths {
  if (host.mode === 'none') throw notMounted()
  const v1: Record<string, string> = {}
  for (const controller in host.v1) v1[controller] = (host.v1[controller] as Hierarchy).mount + path
  return host.v2 === undefined ? { v1 } : { v1, v2: host.v2.mount + path }
}

const notMounted = (): HostError =>
  new HostError(
    'no cgroup file system is mounted on /sys/fs/cgroup: mount cgroup2 there, or pass --cgroup-manager disabled',
  )

const join = (base: string, path: string): string => (base === '/' ? path : base + path)

/** Absolute, without empty, `.` and `..` components. */
function clean(path: string): string {
  if (path.includes('\0')) throw new ConfigError(FIELD, 'nul-byte', 'holds a NUL byte')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
