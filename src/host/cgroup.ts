import { fsTypes, readFile, statfsType, tryRead } from '../sys/files.js'
import { type Mount, mountsOfTypes } from './mountinfo.js'

/** One cgroup hierarchy as this mount namespace shows it. */
export interface Hierarchy {
  /** Absolute. */
  readonly mount: string
  /** The runtime's own cgroup, relative to `mount`; `/` where it lies outside. */
  readonly own: string
  /** True where the runtime may not make cgroups at the top: it is a user, or root of a user namespace only. */
  readonly closed?: true
  /** Of a closed one: the cgroup, relative to `mount`, that was delegated to this user. Absent: none. */
  readonly delegated?: string
}

/** Where cgroups are on this machine. Plain data. */
export interface CgroupHost {
  /** `hybrid`: controllers on v1, and a v2 hierarchy beside them. */
  readonly mode: 'v2' | 'v1' | 'hybrid' | 'none'
  /** v1 by controller (and `name=systemd`), each one that is mounted. Mounted together: equal values. */
  readonly v1: Readonly<Record<string, Hierarchy>>
  readonly v2?: Hierarchy
}

/** A container's cgroups: by v1 controller, and on v2. What `state.json` keeps of them. */
export interface CgroupPaths {
  readonly v1: Readonly<Record<string, string>>
  readonly v2?: string
}

/** What the probe asks of the machine: tests supply texts and fake trees. */
export interface CgroupSource {
  /** /proc/self/cgroup. */
  selfCgroup(): string
  /** /proc/self/mountinfo. Asked for only where the usual mount points do not fit: it is long on a busy host. */
  mountinfo(): string
  /** statfs(2): the type of the file system at a path, 0 for none. */
  fsType(path: string): number
}

const machine: CgroupSource = {
  selfCgroup: () => tryRead('/proc/self/cgroup') ?? '',
  mountinfo: () => readFile('/proc/self/mountinfo'),
  fsType: statfsType,
}

const BASE = '/sys/fs/cgroup'

/**
 * Finds the cgroup hierarchies. The usual mount points are taken when statfs(2) says that the runtime's own cgroup is below
 * them: one read and a statfs for each hierarchy. Anything else (nested containers without a cgroup namespace, mounts
 * elsewhere) is looked up in mountinfo.
 */
export function probeCgroup(source: CgroupSource = machine): CgroupHost {
  const lines = source.selfCgroup().split('\n')
  const unified = source.fsType(BASE) === fsTypes.cgroup2
  const v1: Record<string, Hierarchy> = {}
  let anyV1 = false
  let v2: Hierarchy | undefined
  let listed: readonly Mount[] | undefined
  const mounts = (): readonly Mount[] => {
    listed ??= mountsOfTypes(source.mountinfo(), ['cgroup', 'cgroup2'])
    return listed
  }
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string
    // cgroups(7): hierarchy-ID:controller-list:path; the path itself may hold colons.
    const first = line.indexOf(':')
    const second = line.indexOf(':', first + 1)
    if (first < 0 || second < 0) continue
    const list = line.slice(first + 1, second)
    const own = line.slice(second + 1)
    if (list === '') {
      // v2 comes last. Where v1 is in use its usual place is the only one: kernels name it even if it is not mounted.
      const usual = unified ? BASE : `${BASE}/unified`
      if (anyV1 && source.fsType(usual) !== fsTypes.cgroup2) continue
      v2 = locate(source, mounts, '', usual, own)
      continue
    }
    // Other named hierarchies belong to other init systems: runc leaves them alone too.
    const named = list.startsWith('name=')
    if (unified || (named && list !== 'name=systemd')) continue
    const directory = named ? list.slice('name='.length) : list
    const controllers = list.split(',')
    const found = locate(source, mounts, controllers[0] as string, `${BASE}/${directory}`, own)
    if (found === undefined) continue
    anyV1 = true
    for (const controller of controllers) v1[controller] = found
  }
  const mode = anyV1 ? (v2 === undefined ? 'v1' : 'hybrid') : v2 === undefined ? 'none' : 'v2'
  return v2 === undefined ? { mode, v1 } : { mode, v1, v2 }
}

/**
 * The same, with those hierarchies marked in which this process may make nothing at the top, and where it may (`open` tells of a directory).
 * On v2 that is beside its own cgroup rather than below it: one with processes may not hand controllers to children.
 */
export function markClosed(host: CgroupHost, open: (directory: string) => boolean): CgroupHost {
  const mark = (it: Hierarchy, beside: boolean): Hierarchy => {
    const { mount, own } = it
    if (open(mount)) return it
    const closed = { ...it, closed: true } as const
    const parent = own.slice(0, own.lastIndexOf('/'))
    if (beside && parent !== '' && open(mount + parent)) return { ...closed, delegated: parent }
    return own !== '/' && open(mount + own) ? { ...closed, delegated: own } : closed
  }
  const v1: Record<string, Hierarchy> = {}
  for (const controller in host.v1) v1[controller] = mark(host.v1[controller] as Hierarchy, false)
  return host.v2 === undefined ? { ...host, v1 } : { ...host, v1, v2: mark(host.v2, host.mode === 'v2') }
}

/** Where one hierarchy is mounted: at the usual place, else where mountinfo says, else nowhere. `''` is v2. */
function locate(
  source: CgroupSource,
  mounts: () => readonly Mount[],
  controller: string,
  usual: string,
  own: string,
): Hierarchy | undefined {
  const type = controller === '' ? fsTypes.cgroup2 : fsTypes.cgroup
  // `/..` starts a path outside the cgroup namespace: no mount of ours shows it.
  if (!own.startsWith('/..') && source.fsType(own === '/' ? usual : usual + own) === type) {
    return { mount: usual, own }
  }
  const name = controller === '' ? 'cgroup2' : 'cgroup'
  for (const mount of mounts()) {
    if (mount.type !== name || (controller !== '' && !mount.options.includes(controller))) continue
    return { mount: mount.mountPoint, own: below(mount.root, own) }
  }
  return undefined
}

/** A cgroup's path relative to the one that is mounted; `/` where it is not below that. */
function below(root: string, own: string): string {
  if (own.startsWith('/..')) return '/'
  if (root === '/') return own
  return own.startsWith(`${root}/`) ? own.slice(root.length) : '/'
}
