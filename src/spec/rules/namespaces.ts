import type { ConfigError } from '../../base/errors.js'
import { show } from '../pointer.js'
import type { IdMap } from '../types.gen.js'
import { broken, hasNamespace, type SpecRule } from './rule.js'

export const namespaces: SpecRule = spec => {
  const list = spec.linux?.namespaces
  if (list === undefined) return undefined
  for (let i = 0; i < list.length; i++) {
    const { type, path } = list[i] as (typeof list)[number]
    for (let j = 0; j < i; j++) {
      if (list[j]?.type === type) {
        return broken(
          `/linux/namespaces/${i}`,
          'namespace-twice',
          `malformed spec file: duplicated ns ${type}`,
        )
      }
    }
    if (path !== undefined && path !== '' && path.charAt(0) !== '/') {
      const text = `path of the ${type} namespace must be absolute, is ${show(path)}`
      return broken(`/linux/namespaces/${i}/path`, 'namespace-path-absolute', text)
    }
  }
  return undefined
}

/** The kernel's limit of lines in uid_map (UID_GID_MAP_MAX_EXTENTS). */
const MOST_LINES = 340

function overlap(a: number, aSize: number, b: number, bSize: number): boolean {
  return a < b + bSize && b < a + aSize
}

/** What the kernel would refuse with a bare EINVAL. */
export function idMap(map: readonly IdMap[], at: string): ConfigError | undefined {
  if (map.length > MOST_LINES) {
    return broken(at, 'idmap-lines', `has ${map.length} lines, the kernel takes at most ${MOST_LINES}`)
  }
  for (let i = 0; i < map.length; i++) {
    const { containerID, hostID, size } = map[i] as IdMap
    if (size === 0) return broken(`${at}/${i}/size`, 'idmap-size', 'must be at least 1, is 0')
    if (containerID + size > 4294967295 || hostID + size > 4294967295) {
      return broken(
        `${at}/${i}`,
        'idmap-range',
        `${size} ids from ${containerID} or ${hostID} go beyond 2^32-2`,
      )
    }
    for (let j = 0; j < i; j++) {
      const other = map[j] as IdMap
      if (
        overlap(containerID, size, other.containerID, other.size) ||
        overlap(hostID, size, other.hostID, other.size)
      ) {
        return broken(`${at}/${i}`, 'idmap-overlap', `overlaps with line ${j}`)
      }
    }
  }
  return undefined
}

/** A joined user namespace may come with its maps as well (containerd and CRI-O do that); launch compares them. */
export const userNamespace: SpecRule = spec => {
  const uids = spec.linux?.uidMappings ?? []
  const gids = spec.linux?.gidMappings ?? []
  const mapped = uids.length + gids.length > 0
  const list = spec.linux?.namespaces ?? []
  const index = list.findIndex(namespace => namespace.type === 'user')
  if (index === -1) {
    if (!mapped) return undefined
    const at = uids.length > 0 ? '/linux/uidMappings' : '/linux/gidMappings'
    const text = "user namespace mappings specified, but user namespace isn't enabled in the config"
    return broken(at, 'idmap-needs-userns', text)
  }
  if (!mapped) {
    if ((list[index]?.path ?? '') !== '') return undefined
    const text = 'user namespaces enabled, but no namespace path to join or mappings to apply specified'
    return broken(`/linux/namespaces/${index}`, 'userns-needs-idmap', text)
  }
  if (uids.length === 0)
    return broken(
      '/linux/uidMappings',
      'userns-needs-idmap',
      'user namespaces enabled, but no uid mappings found',
    )
  if (gids.length === 0)
    return broken(
      '/linux/gidMappings',
      'userns-needs-idmap',
      'user namespaces enabled, but no gid mappings found',
    )
  return idMap(uids, '/linux/uidMappings') ?? idMap(gids, '/linux/gidMappings')
}

/** An offset is given before the first process enters, so not to a namespace that others are in. */
export const timeOffsets: SpecRule = spec => {
  const offsets = spec.linux?.timeOffsets
  if (offsets === undefined) return undefined
  const at = '/linux/timeOffsets'
  for (const clock of ['monotonic', 'boottime'] as const) {
    const { nanosecs = 0 } = offsets[clock] ?? {}
    if (nanosecs < 1000000000) continue
    return broken(`${at}/${clock}/nanosecs`, 'time-nanosecs', `must be below 1000000000, is ${nanosecs}`)
  }
  if (offsets.monotonic === undefined && offsets.boottime === undefined) return undefined
  const namespace = spec.linux?.namespaces?.find(({ type }) => type === 'time')
  if (namespace === undefined) {
    return broken(
      at,
      'time-needs-namespace',
      'time namespace offsets specified, but time namespace not enabled',
    )
  }
  return (namespace.path ?? '') === ''
    ? undefined
    : broken(
        at,
        'time-namespace-joined',
        'time namespace enabled, but both namespace path and time offsets specified',
      )
}

function isMapped(id: number, map: readonly IdMap[]): boolean {
  for (const { containerID, size } of map) if (id >= containerID && id < containerID + size) return true
  return false
}

/** setresuid(2) to an id without a mapping fails with EINVAL. */
export const userMapped: SpecRule = spec => {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  if (uidMappings.length === 0 || !hasNamespace(spec, 'user')) return undefined
  const { uid = 0, gid = 0, additionalGids = [] } = spec.process?.user ?? {}
  const at = '/process/user'
  if (!isMapped(uid, uidMappings)) {
    return broken(`${at}/uid`, 'user-mapped', `cannot set uid to unmapped user in user namespace: ${uid}`)
  }
  if (!isMapped(gid, gidMappings)) {
    return broken(`${at}/gid`, 'user-mapped', `cannot set gid to unmapped user in user namespace: ${gid}`)
  }
  for (let i = 0; i < additionalGids.length; i++) {
    const group = additionalGids[i] as number
    if (!isMapped(group, gidMappings)) {
      const text = `cannot set additional group to unmapped group in user namespace: ${group}`
      return broken(`${at}/additionalGids/${i}`, 'user-mapped', text)
    }
  }
  return undefined
}

/** fsconfig(2) of uid= or gid= to an id without a mapping fails with EINVAL. The words are runc's. */
export const mountIds: SpecRule = spec => {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  if (uidMappings.length === 0 || !hasNamespace(spec, 'user')) return undefined
  const list = spec.mounts ?? []
  for (let i = 0; i < list.length; i++) {
    const options = list[i]?.options ?? []
    for (let j = 0; j < options.length; j++) {
      const option = options[j] as string
      const kind = option.slice(0, 4)
      if (kind !== 'uid=' && kind !== 'gid=') continue
      if (isMapped(Number(option.slice(4)), kind === 'uid=' ? uidMappings : gidMappings)) continue
      const text = `cannot specify ${option} mount options for unmapped ${kind.slice(0, 3)} in a user namespace`
      return broken(`/mounts/${i}/options/${j}`, 'mount-id-mapped', text)
    }
  }
  return undefined
}

/** Without a mount namespace of its own a container shares the runtime's, which is not its to change. */
export const mountNamespace: SpecRule = spec => {
  if (hasNamespace(spec, 'mount')) return undefined
  if (spec.linux?.rootfsPropagation !== undefined) {
    const text =
      'would change the mounts of the runtime: add {"type": "mount"} to the namespaces, or leave it out'
    return broken('/linux/rootfsPropagation', 'propagation-needs-mountns', text)
  }
  if (!hasNamespace(spec, 'user')) return undefined
  const text =
    'root of a user namespace may not mount in the mount namespace of the runtime: add {"type": "mount"}'
  return broken('/linux/namespaces', 'userns-needs-mountns', text)
}
