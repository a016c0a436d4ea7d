import type { NamespaceType } from '../plan/flags.js'
import type { HostPath, IdMapping, Op } from '../plan/op.js'
import type { IdMap, TimeOffsets } from '../spec/types.gen.js'
import { becomeRoot } from './identity.js'
import type { Input } from './input.js'
import { labelKeyring } from './labels.js'
import { oomScore } from './limits.js'

/**
 * The order in which namespaces are joined. A privileged runtime joins its user namespace last, while it still has
 * capabilities over the others; an ordinary user's runtime has none before it joined that.
 */
const JOIN_ORDER: readonly NamespaceType[] = ['cgroup', 'ipc', 'uts', 'network', 'pid', 'time', 'mount']

const slotOf = (type: NamespaceType): string => `ns:${type}`

function mapping(maps: readonly IdMap[] | undefined): IdMapping[] {
  const rows: IdMapping[] = []
  for (const { containerID, hostID, size } of maps ?? []) rows.push({ containerID, hostID, size })
  return rows
}

/** Opens every namespace that is joined by path, before anything changes what a path means. */
export function openNamespaces({ linux }: Input, out: Op[]): void {
  const namespaces = linux.namespaces ?? []
  for (let i = 0; i < namespaces.length; i++) {
    const ns = namespaces[i]
    if (ns?.path === undefined || ns.path === '') continue
    out.push({
      op: 'open_namespace',
      by: 'helper',
      at: `/linux/namespaces/${i}`,
      slot: slotOf(ns.type),
      path: ns.path as HostPath,
      type: [ns.type],
    })
  }
}

/**
 * Joins namespaces, makes the user namespace and has its maps written (it must own the others: F.3), then clones init into
 * the new ones. The cgroup namespace waits until the cgroup is joined.
 */
export function enterNamespaces(input: Input, out: Op[]): void {
  const { linux, host } = input
  const namespaces = linux.namespaces ?? []
  const pointerOf = (type: NamespaceType): string =>
    `/linux/namespaces/${namespaces.findIndex(ns => ns.type === type)}`
  const joined = namespaces.filter(ns => ns.path !== undefined && ns.path !== '').map(ns => ns.type)
  const created = namespaces.filter(ns => ns.path === undefined || ns.path === '').map(ns => ns.type)
  const join = (type: NamespaceType): void => {
    out.push({ op: 'setns', by: 'helper', at: pointerOf(type), slot: slotOf(type), type: [type] })
  }
  const joinUser = (): void => {
    if (!joined.includes('user')) return
    join('user')
    checkMaps(input, out)
    becomeRoot(input, pointerOf('user'), out)
  }

  if (host.euid !== 0) joinUser()
  for (const type of JOIN_ORDER) if (joined.includes(type)) join(type)
  if (host.euid === 0) joinUser()

  if (created.includes('user')) {
    const at = pointerOf('user')
    out.push({ op: 'unshare', by: 'helper', at, namespaces: ['user'] })
    mapIds(input, at, out)
  }
  const offsets = created.includes('time') ? offsetLines(linux.timeOffsets) : ''
  if (offsets !== '') {
    // clone3 would put init into the namespace at once, and then its clocks stand: the helper unshares it for its children.
    out.push({ op: 'unshare', by: 'helper', at: pointerOf('time'), namespaces: ['time'] })
    out.push({ op: 'write_time_offsets', by: 'runtime', at: '/linux/timeOffsets', text: offsets })
  }
  if (created.includes('user')) {
    const at = pointerOf('user')
    if (host.euid !== 0) out.push({ op: 'set_dumpable', by: 'helper', at, value: 0 })
    becomeRoot(input, at, out)
  }
  out.push({
    op: 'clone_init',
    by: 'helper',
    at: '/linux/namespaces',
    namespaces: created.filter(
      type => type !== 'user' && type !== 'cgroup' && (type !== 'time' || offsets === ''),
    ),
    ...(input.cgroup.slot !== undefined && { cgroup: input.cgroup.slot }),
  })
}

/**
 * The maps of the new user namespace. An ordinary user may write a map of its own id alone; newuidmap(1) and newgidmap(1) write what
 * /etc/subuid and /etc/subgid give it. Its runtime reaches the files of the helper in /proc only while that is dumpable: nobody of the
 * container is there yet.
 */
function mapIds(input: Input, at: string, out: Op[]): void {
  const { linux, host } = input
  const uid = mapping(linux.uidMappings)
  const gid = mapping(linux.gidMappings)
  const user = host.euid !== 0
  const tools: ('uid' | 'gid')[] = []
  if (user && !isOwn(uid, host.euid)) tools.push('uid')
  if (user && !isOwn(gid, host.egid)) tools.push('gid')
  if (user) out.push({ op: 'set_dumpable', by: 'helper', at, value: 1 })
  out.push({
    op: 'write_id_map',
    by: 'runtime',
    at: '/linux/uidMappings',
    uid,
    gid,
    // CVE-2014-8989: an unprivileged writer of gid_map must give up setgroups first.
    setgroups: user && !tools.includes('gid') ? 'deny' : 'unchanged',
    ...(tools.length > 0 && { tools }),
  })
  // Init is born with it.
  if (user) oomScore(input, out)
}

const isOwn = (map: readonly IdMapping[], id: number): boolean =>
  map.length === 1 && map[0]?.size === 1 && map[0].hostID === id

/** A joined namespace has its maps already; containerd and CRI-O send them along nevertheless. */
function checkMaps({ linux, warn }: Input, out: Op[]): void {
  const at = '/linux/uidMappings'
  const { uidMappings = [], gidMappings = [] } = linux
  if (uidMappings.length + gidMappings.length === 0) return
  warn(at, 'the mappings are only compared: the user namespace to join has its own')
  out.push({ op: 'check_id_map', by: 'runtime', at, uid: mapping(uidMappings), gid: mapping(gidMappings) })
}

/** Lines of /proc/PID/timens_offsets: clock, seconds, nanoseconds. */
function offsetLines(offsets: TimeOffsets | undefined): string {
  let text = ''
  if (offsets === undefined) return text
  for (const clock of ['monotonic', 'boottime'] as const) {
    const { secs = 0, nanosecs = 0 } = offsets[clock] ?? {}
    if (secs !== 0 || nanosecs !== 0) text += `${clock} ${secs} ${nanosecs}\n`
  }
  return text
}

/** The cgroup namespace is made after the cgroup was joined, or its root would show `/../..`. */
export function enterCgroupNamespace({ linux }: Input, out: Op[]): void {
  const namespaces = linux.namespaces ?? []
  const index = namespaces.findIndex(ns => ns.type === 'cgroup' && (ns.path === undefined || ns.path === ''))
  if (index < 0) return
  out.push({ op: 'unshare', by: 'init', at: `/linux/namespaces/${index}`, namespaces: ['cgroup'] })
}

/** A session and a session keyring of its own, and a loopback interface that is up. */
export function settleInit(input: Input, out: Op[]): void {
  out.push({ op: 'setsid', by: 'init', at: 'runtime:session' })
  joinKeyring(input, out)
  const { linux } = input
  const namespaces = linux.namespaces ?? []
  const index = namespaces.findIndex(ns => ns.type === 'network' && (ns.path === undefined || ns.path === ''))
  if (index >= 0) out.push({ op: 'loopback_up', by: 'init', at: `/linux/namespaces/${index}` })
}

/** A session keyring by the container's name: made by init, joined by what `exec` starts later. */
export function joinKeyring(input: Input, out: Op[]): void {
  if (input.request.noNewKeyring) return
  labelKeyring(input, out, () => joinOwnKeyring(input, out))
}

function joinOwnKeyring({ request }: Input, out: Op[]): void {
  out.push({
    op: 'join_session_keyring',
    by: 'init',
    at: 'runtime:keyring',
    name: `_ses.${request.id}`,
    // Kernels without keyrings, and outer containers whose seccomp profile refuses keyctl.
    tolerate: ['ENOSYS', 'EPERM', 'EDQUOT'],
  })
}
