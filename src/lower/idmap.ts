/** Idmapped mounts: who owns a file there is another than on its disk (mount_setattr(2), MOUNT_ATTR_IDMAP). */
import type { HostPath, Op } from '../plan/op.js'
import type { IdMap, Mount } from '../spec/types.gen.js'
import type { Input } from './input.js'
import type { Entry } from './mounts.js'

/** The slot of a user namespace with the maps of the container. */
const CONTAINER = 'idmap:container'

const hasMaps = ({ uidMappings }: Mount): boolean => uidMappings !== undefined && uidMappings.length > 0

const isMapped = (mount: Mount): boolean =>
  hasMaps(mount) || mount.options?.includes('idmap') === true || mount.options?.includes('ridmap') === true

const slotOf = (mount: Mount, at: string): string => (hasMaps(mount) ? `idmap:${at}` : CONTAINER)

/**
 * The kernel takes maps only from a user namespace. The helper makes one for each mount while it has the host's rights and its own
 * /proc; the container's own does not exist yet, so that one of the same maps stands for it.
 */
export function makeIdmaps(input: Input, out: Op[]): void {
  const entries = input.spec.mounts ?? []
  let container = false
  for (let i = 0; i < entries.length; i++) {
    const mount = entries[i] as Mount
    if (!isMapped(mount)) continue
    if (hasMaps(mount)) {
      make(`/mounts/${i}`, slotOf(mount, `/mounts/${i}`), mount.uidMappings, mount.gidMappings, out)
    } else if (!container) {
      container = true
      containerMaps(input, `/mounts/${i}`, out)
    }
  }
}

function containerMaps({ linux }: Input, at: string, out: Op[]): void {
  const joined = linux.namespaces?.find(({ type }) => type === 'user')?.path ?? ''
  if (joined === '') make(at, CONTAINER, linux.uidMappings, linux.gidMappings, out)
  else {
    const path = joined as HostPath
    out.push({ op: 'open_namespace', by: 'helper', at, slot: CONTAINER, path, type: ['user'] })
  }
}

function make(
  at: string,
  slot: string,
  uid: readonly IdMap[] | undefined,
  gid: readonly IdMap[] | undefined,
  out: Op[],
): void {
  out.push({ op: 'make_user_namespace', by: 'helper', at, slot, uid: lines(uid), gid: lines(gid) })
}

function lines(maps: readonly IdMap[] = []): string {
  let text = ''
  for (const { containerID, hostID, size } of maps) text += `${containerID} ${hostID} ${size}\n`
  return text
}

/** Right after the mount was opened or made: a mount that others can see already cannot be mapped. */
export function applyIdmap({ at, slot, mount, options }: Entry, by: 'helper' | 'init', out: Op[]): void {
  if (!hasMaps(mount) && options.idmap === undefined) return
  const recursive = options.idmap === 'ridmap' ? 1 : 0
  out.push({ op: 'idmap_mount', by, at, slot, namespace: slotOf(mount, at), recursive })
}
