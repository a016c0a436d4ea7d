import type { ConfigError } from '../../base/errors.js'
import type { Mount } from '../types.gen.js'
import { idMap } from './namespaces.js'
import { broken, hasNamespace, type SpecRule } from './rule.js'

/** Idmapped mounts: their maps, or those of the container's user namespace. */
export const idmaps: SpecRule = spec => {
  const list = spec.mounts
  if (list === undefined) return undefined
  const hasUserNamespace = hasNamespace(spec, 'user')
  for (let i = 0; i < list.length; i++) {
    const error = idmap(list[i] as Mount, `/mounts/${i}`, hasUserNamespace)
    if (error !== undefined) return error
  }
  return undefined
}

function idmap(
  { type, options = [], uidMappings = [], gidMappings = [] }: Mount,
  at: string,
  hasUserNamespace: boolean,
): ConfigError | undefined {
  const asked = options.includes('idmap') || options.includes('ridmap')
  const mapped = uidMappings.length + gidMappings.length > 0
  if (!asked && !mapped) {
    const custom = options.findIndex(option => option.startsWith('idmap='))
    return custom === -1
      ? undefined
      : broken(
          `${at}/options/${custom}`,
          'idmap-option',
          'give the maps as uidMappings and gidMappings of the mount',
        )
  }
  if (mapped && (uidMappings.length === 0 || gidMappings.length === 0)) {
    const missing = uidMappings.length === 0 ? 'uidMappings' : 'gidMappings'
    return broken(
      `${at}/${missing}`,
      'idmap-both',
      'an id-mapped mount needs both uidMappings and gidMappings',
    )
  }
  if (!mapped && !hasUserNamespace) {
    return broken(
      at,
      'idmap-needs-maps',
      'idmap without mappings takes those of the user namespace: there is none',
    )
  }
  if (type === 'cgroup' || type === 'cgroup2' || options.includes('remount')) {
    return broken(at, 'idmap-type', 'cgroup mounts and remounts cannot be id-mapped')
  }
  return idMap(uidMappings, `${at}/uidMappings`) ?? idMap(gidMappings, `${at}/gidMappings`)
}
