/** Which systemd a container belongs to, and what its unit needs when the container ends. */
import type { CgroupPaths } from '../host/cgroup.js'
import { managerCgroup, stopUnit } from '../launch/systemd.js'
import type { CgroupRequest } from '../lower/cgroup/index.js'
import type { Systemd } from '../lower/cgroup/scope.js'
import { tryRead, writable } from '../sys/files.js'
import { native } from '../sys/native.js'
import type { Common } from './options.js'
import type { Record } from './record.js'

/** The manager of cgroups that the command line names. With systemd asks where that stands. Throws HostError. */
export function cgroupManagerOf({ cgroupManager, rootless }: Common): CgroupRequest['manager'] {
  if (cgroupManager !== 'systemd') return cgroupManager
  return systemdOf(rootless === 'auto' ? outerUid() !== 0 : rootless)
}

/** As in runc: root has the machine's systemd, everybody else their own, also where they are root of a user namespace. */
function systemdOf(user: boolean): Systemd {
  if (user) return { bus: 'user', root: managerCgroup('user') }
  return { bus: 'system', root: managerRoot(tryRead('/proc/1/cgroup') ?? '') }
}

/** The runtime's uid in the user namespace around it. */
function outerUid(): number {
  const uid = native().geteuid()
  for (const line of (tryRead('/proc/self/uid_map') ?? '').split('\n')) {
    const [inside, outside, size] = line
      .split(' ')
      .filter(word => word !== '')
      .map(Number) as [number, number, number]
    if (uid >= inside && uid < inside + size) return outside + uid - inside
  }
  return uid
}

/** The cgroup of systemd itself without its last part: it puts itself into `init.scope`, and all slices beside that. */
export function managerRoot(selfCgroup: string): string {
  const END = '/init.scope'
  let root = ''
  for (const line of selfCgroup.split('\n')) {
    if (line.endsWith(END) && (line.startsWith('0::') || line.includes(':name=systemd:')))
      root = line.slice(line.indexOf('/'), -END.length)
  }
  return root
}

/** Takes a container's unit away; its processes have ended. Throws HostError. */
export function removeUnit({ unit }: Pick<Record, 'unit'>): void {
  if (unit !== undefined) stopUnit(unit.bus, unit.name)
}

/**
 * Where in its unit systemd has to put a process of `exec`, because the runtime's user may not: from a login session into the tree of
 * the user's manager. Undefined where the runtime may do it by itself.
 */
export function attachmentOf(
  { unit, cgroup }: Pick<Record, 'unit' | 'cgroup'>,
  place: CgroupPaths,
): { readonly unit: string; readonly bus: 'user'; readonly subcgroup: string } | undefined {
  if (unit?.bus !== 'user' || place.v2 === undefined || cgroup.v2 === undefined) return undefined
  if (writable(`${commonAncestor(place.v2)}/cgroup.procs`)) return undefined
  return { unit: unit.name, bus: unit.bus, subcgroup: place.v2.slice(cgroup.v2.length) }
}

/** The kernel wants that one writable: cgroup-v2.rst, "Delegation Containment". */
function commonAncestor(dir: string): string {
  const own = (tryRead('/proc/self/cgroup') ?? '').split('\n').find(line => line.startsWith('0::'))
  const parts = (own ?? '0::/').slice(3).split('/')
  // The mount point is what stands before the first slice of the manager's.
  let best = dir.slice(0, dir.indexOf('/', '/sys/fs/cgroup'.length))
  for (const part of parts) {
    if (part === '') continue
    if (dir !== `${best}/${part}` && !dir.startsWith(`${best}/${part}/`)) return best
    best += `/${part}`
  }
  return best
}
